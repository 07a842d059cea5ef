cimport cython
from libc.stdint cimport int64_t

from floorwire.venues.common.plain_decimals cimport plain_decimal
from floorwire.venues.kraken.mapping cimport current_pair


cdef int64_t MAX_CHECKSUM
cdef int64_t MICROSECOND_DECIMALS
cdef int64_t LEAST_US
cdef int64_t MOST_US


cpdef object read(object data)
cdef object _read_book(object data)
@cython.locals(bids=list, asks=list)
cdef object _book(str pair, tuple parts)
@cython.locals(at_us=int64_t, latest_us=int64_t, side=list)
cdef int64_t _latest_us(list bids, list asks) except -1
@cython.locals(plain=int64_t)
cdef int64_t _time_us(str seconds) except -1
@cython.locals(plain=int64_t)
cdef object _checksum(str text)
