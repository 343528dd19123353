"""One request to a host that may be slow, endless or hostile.

=================  =============================================================================
`addresses`        names to addresses, and which of them may be reached
`limits`           what a connection may reach, and for how long
`body`             a body read up to a size and a deadline
`exchange`         one request and its answer, as far as blocking makes no difference
`wire`             the same with calls that block; `async_wire` for an event loop
=================  =============================================================================
"""
