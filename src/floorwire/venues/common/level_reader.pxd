cimport cython
from libc.stdint cimport int64_t, uint64_t

from floorwire.venues.common.frame_scanner cimport FrameScanner
from floorwire.venues.common.plain_decimals cimport plain_decimal, plain_text
from floorwire.venues.common.price_levels cimport price_and_size


cdef uint64_t MAX_UNITS
cdef tuple TEN_TO_THE
cdef int64_t NOT_PLAIN


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
    cdef readonly bint is_uniform
    cdef readonly Py_ssize_t off_tick
    cdef readonly int64_t price_unit
    cdef readonly int64_t size_unit

    @cython.locals(levels=list, ticks=int64_t, lots=int64_t, off_tick=Py_ssize_t, price=str, size=str)
    cpdef tuple read(self, object instrument, object rows)
    @cython.locals(levels=list, price=int64_t, size=int64_t, ticks=int64_t, lots=int64_t, off_tick=Py_ssize_t, last=int64_t, is_uniform=bint, is_next=bint, rises=bint, falls=bint)
    cpdef tuple scan(self, object instrument, FrameScanner frame, Py_ssize_t at, list rows=*)
    @cython.locals(ticks=int64_t, lots=int64_t)
    cpdef tuple level(self, object instrument, str price, str size)
    @cython.locals(ticks=int64_t, lots=int64_t)
    cpdef tuple plain_level(self, object instrument, int64_t price, int64_t size)
    @cython.locals(ticks=int64_t, lots=int64_t)
    cpdef tuple best(self, object instrument, str price, str size)
    @cython.locals(ticks=int64_t, lots=int64_t)
    cpdef tuple plain_best(self, object instrument, int64_t price, int64_t size)
    @cython.locals(ticks=int64_t, lots=int64_t)
    cpdef tuple trade(self, object instrument, str price, str size)
    @cython.locals(ticks=int64_t, lots=int64_t)
    cpdef tuple plain_trade(self, object instrument, int64_t price, int64_t size)
    cdef object _use(self, object instrument)
    cdef bint _add_other(self, object price, object size, list levels) except -1
    @cython.locals(units=uint64_t, decimals=int64_t, factor=uint64_t)
    cdef int64_t _ticks(self, int64_t plain) except -2
    @cython.locals(units=uint64_t, decimals=int64_t, factor=uint64_t)
    cdef int64_t _lots(self, int64_t plain) except -2


@cython.locals(last=int64_t, ticks=int64_t, rises=bint, falls=bint, level=tuple)
cdef tuple _each_once(list levels)
