cimport cython
from libc.stdint cimport int64_t

from floorwire.venues.common.frame_scanner cimport FrameScanner, scanner_of
from floorwire.venues.common.scanned_message cimport ScannedMessage


cdef bytes COMBINED
cdef bytes BOOK_TICKER
cdef bytes TRADE
cdef bytes DEPTH
cdef unsigned char AT


@cython.final
cdef class ScannedQuote(ScannedMessage):
    cdef public int64_t update
    cdef public int64_t bid
    cdef public int64_t bid_size
    cdef public int64_t ask
    cdef public int64_t ask_size


@cython.final
cdef class ScannedTrade(ScannedMessage):
    cdef public int64_t trade_id
    cdef public int64_t price
    cdef public int64_t size
    cdef public int64_t trade_time
    cdef public bint buyer_makes


@cython.no_gc
@cython.final
cdef class ScannedDepth(ScannedMessage):
    cdef public int64_t event_time
    cdef public int64_t first
    cdef public int64_t last
    cdef public FrameScanner frame
    cdef public Py_ssize_t bids_at
    cdef public Py_ssize_t asks_at


@cython.locals(frame=FrameScanner)
cpdef ScannedMessage scan(bytes data)
@cython.locals(quote=ScannedQuote)
cdef ScannedQuote _quote(FrameScanner frame)
@cython.locals(trade=ScannedTrade)
cdef ScannedTrade _trade(FrameScanner frame)
@cython.locals(depth=ScannedDepth)
cdef ScannedDepth _depth(FrameScanner frame)
