"""The paid endpoint: ask once, wait, keep what was paid for.

=================  =============================================================================
`client`           `Client`: performs the conversation with calls that block
`async_client`     `AsyncClient`: performs the same conversation in an event loop
`account`          what both have in common: token, archive, budget, who listens
`conversation`     what happens to a clip, in which order; pure, asks for all it needs by `steps`
`asking`           its middle: the paid calls, each outcome stored before anything else
`hosting`          its end: the hosted .mid, or one made of the notes
`steps`            what a conversation asks for; `driver` and `async_driver` carry it there and back
`answers`          what one answer or failure means, and whether it was charged; pure
`attempts`         what to do next: deliver, wait or give up; pure
`polling`          pauses, ``Retry-After``, deadlines; pure, no clock
`keeping`          what the ledger says after an outcome; where bytes go that no archive takes
`archive`          what was paid for: the values, the rules and the protocol; bring your own
`disk`             the archive on disk; `memory` is one in memory
`many`             many clips in threads, and their orderly end
`download`         the hosted .mid, without the token, public addresses only
`net`              one request: checked addresses, bounded bodies, total deadlines
`telling`          events and log lines
`secret`           the token; `judging` masks it in what came back
=================  =============================================================================
"""
