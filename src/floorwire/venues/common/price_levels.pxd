cimport cython
from libc.stdint cimport int64_t, uint64_t


cdef bint IS_COMPILED
cdef unsigned char ZERO
cdef Py_ssize_t MAX_DIGITS
cdef unsigned char DOT
cdef unsigned char COMMA
cdef unsigned char QUOTE


@cython.final
cdef class PriceLevels:
    cdef unsigned char _buffer[40]
    cdef int64_t _sign
    cdef list _levels
    cdef list _written
    cdef object _text_of
    cdef list _top
    cdef Py_ssize_t _top_count
    cdef public int64_t price_unit
    cdef public int64_t size_unit

    cpdef object clear(self)
    cpdef bint replace(self, tuple levels, rows=*) except -1
    @cython.locals(written=list, kept=list, level=tuple, before=tuple, index=Py_ssize_t, place=Py_ssize_t, count=Py_ssize_t, is_there=bint, is_left=bint, has_rows=bint, ticks=int64_t)
    cpdef object put(self, tuple levels, rows=*)
    @cython.locals(over=Py_ssize_t, pushed_out=list)
    cpdef tuple cut(self, Py_ssize_t depth)
    @cython.locals(place=Py_ssize_t, level=tuple)
    cpdef tuple best(self)
    @cython.locals(top=list, texts=list, written=list, first=Py_ssize_t, place=Py_ssize_t)
    cpdef list top(self)
    @cython.locals(written=list, place=Py_ssize_t)
    cdef object _write_digits(self)
    @cython.locals(level=tuple, ticks=int64_t, lots=int64_t, price=uint64_t, size=uint64_t, at=Py_ssize_t)
    cdef bytes _digits(self, Py_ssize_t place)
    @cython.locals(levels=list, low=Py_ssize_t, high=Py_ssize_t, middle=Py_ssize_t, step=Py_ssize_t)
    cdef Py_ssize_t _place(self, int64_t ticks, Py_ssize_t near) except -1
    @cython.locals(level=tuple, price=int64_t)
    cdef inline bint _is_worse(self, Py_ssize_t place, int64_t ticks) except -1
    @cython.locals(level=tuple, last=int64_t, ticks=int64_t)
    cdef bint _is_sorted(self, tuple levels) except -1


@cython.locals(length=Py_ssize_t)
cdef bint _is_of_frame(bytes text) except -1
cpdef bint has_size(object row) except -1
cpdef tuple price_and_size(object row)
@cython.locals(at=Py_ssize_t)
cdef bint _ends_with_size(bytes row) except -1
