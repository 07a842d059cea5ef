cimport cython
from libc.stdint cimport int64_t, uint64_t


cdef bint IS_COMPILED
cdef unsigned char ZERO
cdef unsigned char NINE
cdef unsigned char DOT
cdef unsigned char QUOTE
cdef unsigned char BACKSLASH
cdef unsigned char OPENING
cdef unsigned char CLOSING
cdef unsigned char FIRST_PRINTED
cdef unsigned char LAST_PRINTED
cdef int64_t MAX_DIGITS
cdef int64_t NOT_PLAIN


@cython.final
cdef class FrameScanner:
    cdef bytes _data
    cdef bint _failed
    cdef public Py_ssize_t at

    cpdef bint is_whole(self) except -1
    @cython.locals(data=bytes, at=Py_ssize_t, character="unsigned char")
    cpdef bint has(self, bytes expected) except -1
    cpdef object expect(self, bytes expected)
    @cython.locals(data=bytes, at=Py_ssize_t)
    cpdef object expect_past(self, unsigned char wanted)
    @cython.locals(data=bytes, at=Py_ssize_t, start=Py_ssize_t)
    cpdef str text(self)
    @cython.locals(data=bytes, at=Py_ssize_t, start=Py_ssize_t, digits=Py_ssize_t, value=uint64_t)
    cpdef int64_t number(self) except -2
    @cython.locals(data=bytes, at=Py_ssize_t, start=Py_ssize_t, after_dot=Py_ssize_t, digits=Py_ssize_t, units=uint64_t)
    cpdef int64_t decimal(self) except -2
    cpdef Py_ssize_t expect_pairs(self) except -1
    @cython.locals(data=bytes, at=Py_ssize_t)
    cpdef bint is_in_row(self) except -1
    @cython.locals(data=bytes)
    cpdef str row(self, Py_ssize_t begin)
    cdef object _expect_pair(self)
    @cython.locals(data=bytes, at=Py_ssize_t, start=Py_ssize_t, after_dot=Py_ssize_t, digits=Py_ssize_t)
    cpdef object expect_decimal(self)
    cpdef object fail(self)
    cdef Py_ssize_t _end(self) except -1
