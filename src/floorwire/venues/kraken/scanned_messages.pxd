cimport cython
from libc.stdint cimport int64_t

from floorwire.venues.common.frame_scanner cimport FrameScanner, scanner_of
from floorwire.venues.common.scanned_message cimport ScannedMessage
from floorwire.venues.kraken.pair_names cimport current_pair
from floorwire.venues.kraken.scanned_book cimport time_of_v1


cdef unsigned char QUOTE


@cython.final
cdef class ScannedTrade(ScannedMessage):
    cdef public int64_t trade_id
    cdef public int64_t price
    cdef public int64_t size
    cdef public bint is_sale
    cdef public int64_t ts_us


@cython.final
cdef class ScannedTicker(ScannedMessage):
    cdef public int64_t bid
    cdef public int64_t bid_size
    cdef public int64_t ask
    cdef public int64_t ask_size
    cdef public int64_t opened
    cdef public int64_t high
    cdef public int64_t low
    cdef public str volume
    cdef public int64_t ts_us


@cython.locals(frame=FrameScanner, trade=ScannedTrade, trades=list, symbol=str)
cpdef object scan_v1(bytes data)
@cython.locals(trade=ScannedTrade)
cdef ScannedTrade _trade_v1(FrameScanner frame)
@cython.locals(ticker=ScannedTicker, last=int64_t)
cdef ScannedTicker _ticker_v1(FrameScanner frame)
@cython.locals(size=int64_t)
cdef int64_t _size_v1(FrameScanner frame) except -2
@cython.locals(found=int64_t)
cdef int64_t _of_day(FrameScanner frame) except -2
cdef str _symbol_v1(FrameScanner frame)
@cython.locals(frame=FrameScanner, trade=ScannedTrade, trades=list, symbol=str)
cpdef object scan_v2(bytes data)
@cython.locals(trade=ScannedTrade)
cdef ScannedTrade _trade_v2(FrameScanner frame)
