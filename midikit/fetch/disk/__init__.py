"""The archive on disk: what was paid for, in a SQLite ledger and files beside it.

=================  =============================================================================
`sqlite`           `SqliteArchive`: the front of it
`vault`            its files and how they are reached; one `writer` thread, shared commits
`database`         the database file: opened, kept private, its faults in words
`ledger`           rows as bytes, tables, digests
`operations`       what is done to the ledger in one transaction
`intents`          a second bookkeeping in a file that only grows
`owners`           who holds a clip, by `locks` that end with their process
`admission`        answers that come without a call
`census`           one look at all of it before anything is paid for
`checkup`          reading every byte
`transfer`         out into a folder, and back
`pruning`          removing what cannot have been paid for, or is no longer wanted
=================  =============================================================================
"""
