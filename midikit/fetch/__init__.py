"""The paid endpoint: ask once, wait, keep what was paid for.

=============  =================================================================================
`client`       `Client.fetch`: archive, call, polls, download; the only place that sleeps
`answers`      what one answer or failure means, and whether it was charged; pure
`attempts`     what to do next: deliver, wait or give up; pure
`polling`      pauses, ``Retry-After``, deadlines; pure, no clock
`store`        what the client asks of an archive; bring your own
`archive`      what was paid for, on disk
`download`     the hosted .mid, without the token, public addresses only
`addresses`    names to addresses, and which of them may be reached
`wire`         one request on one connection that ends at a deadline
`body`         a body read up to a size and a deadline
`secret`       the token
=============  =================================================================================
"""
