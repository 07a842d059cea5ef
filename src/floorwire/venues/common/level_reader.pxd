cimport cython
from libc.stdint cimport int64_t, uint64_t

from floorwire.venues.common.plain_decimals cimport plain_decimal


cdef uint64_t MAX_UNITS
cdef tuple TEN_TO_THE


@cython.final
cdef class LevelReader:
    cdef object _instrument
    cdef int64_t _tick
    cdef int64_t _tick_decimals
    cdef int64_t _price_written
    cdef uint64_t _price_factor
    cdef int64_t _lot
    cdef int64_t _lot_decimals
    cdef int64_t _size_written
    cdef uint64_t _size_factor

    @cython.locals(levels=list, ticks=int64_t, lots=int64_t, last=int64_t, off_tick=Py_ssize_t, rises=bint, falls=bint, price=str, size=str)
    cpdef tuple read(self, object instrument, object rows)
    @cython.locals(ticks=int64_t, lots=int64_t)
    cpdef tuple level(self, object instrument, str price, str size)
    @cython.locals(ticks=int64_t, lots=int64_t)
    cpdef tuple best(self, object instrument, str price, str size)
    @cython.locals(ticks=int64_t, lots=int64_t)
    cpdef tuple trade(self, object instrument, str price, str size)
    cdef object _use(self, object instrument)
    cdef bint _add_other(self, object price, object size, list levels) except -1
    @cython.locals(plain=int64_t, units=uint64_t, decimals=int64_t, factor=uint64_t, ticks=int64_t)
    cdef int64_t _plain_ticks(self, str text) except -2
    @cython.locals(plain=int64_t, units=uint64_t, decimals=int64_t, factor=uint64_t)
    cdef int64_t _plain_lots(self, str text) except -2
