cimport cython
from libc.stdint cimport int64_t

from floorwire.venues.common.frame_scanner cimport FrameScanner, scanner_of
from floorwire.venues.common.scanned_message cimport ScannedMessage


cdef bytes CHANNEL
cdef bytes BOOKS
cdef bytes QUOTES
cdef bytes TRADES
cdef bytes TICKERS
cdef unsigned char QUOTE
cdef int64_t MAX_MS


@cython.final
cdef class ScannedBook(ScannedMessage):
    cdef public FrameScanner frame
    cdef public bint is_snapshot
    cdef public int64_t ts
    cdef public Py_ssize_t bids_at
    cdef public Py_ssize_t asks_at
    cdef public object seq_id
    cdef public object prev_seq_id
    cdef public int64_t checksum


@cython.final
cdef class ScannedQuote(ScannedMessage):
    cdef public int64_t ts
    cdef public int64_t bid
    cdef public int64_t bid_size
    cdef public int64_t ask
    cdef public int64_t ask_size


@cython.final
cdef class ScannedTrade(ScannedMessage):
    cdef public int64_t trade_id
    cdef public int64_t price
    cdef public int64_t size
    cdef public bint is_sale
    cdef public int64_t ts


@cython.final
cdef class ScannedTicker(ScannedMessage):
    cdef public int64_t ts
    cdef public int64_t opened
    cdef public int64_t high
    cdef public int64_t low
    cdef public str volume
    cdef public str turnover


@cython.locals(frame=FrameScanner)
cpdef ScannedMessage scan(bytes data)
@cython.locals(book=ScannedBook)
cdef ScannedBook _book(FrameScanner frame)
@cython.locals(quote=ScannedQuote)
cdef ScannedQuote _quote(FrameScanner frame)
@cython.locals(trade=ScannedTrade)
cdef ScannedTrade _trade(FrameScanner frame)
@cython.locals(ticker=ScannedTicker, is_of_2022=bint)
cdef ScannedTicker _ticker(FrameScanner frame)
cdef object _days(FrameScanner frame)
cdef object _rest(FrameScanner frame)
@cython.locals(found=int64_t)
cdef int64_t _time_ms(FrameScanner frame) except -1
cdef object _sequence_id(FrameScanner frame)
@cython.locals(begin=Py_ssize_t, is_next=bint)
cdef Py_ssize_t _levels(FrameScanner frame) except -2
