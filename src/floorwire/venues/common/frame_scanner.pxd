cimport cython
from libc.stdint cimport int64_t, uint64_t

from floorwire.venues.common.plain_decimals cimport plain_text


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
cdef unsigned char COMMA
cdef unsigned char BRACE
cdef int64_t MAX_DIGITS
cdef Py_ssize_t MAX_CHARACTERS
cdef Py_ssize_t BETWEEN
cdef Py_ssize_t BEFORE_PRICE
cdef Py_ssize_t BEFORE_SIZE
cdef tuple MONTH_DAYS
cdef int64_t FIRST_YEAR
cdef int64_t LAST_YEAR
cdef int64_t LEAP_DAYS_BEFORE
cdef int64_t NOT_PLAIN


@cython.freelist(4)
@cython.final
cdef class FrameScanner:
    cdef bytes _data
    cdef bint _failed
    cdef Py_ssize_t _begin
    cdef public Py_ssize_t at
    cdef public bint has_objects
    cdef public Py_ssize_t least_rest
    cdef readonly int64_t price
    cdef readonly int64_t size

    cpdef object begin(self, bytes data)
    cpdef bint is_whole(self) except -1
    @cython.locals(data="const unsigned char *", at=Py_ssize_t, character="unsigned char")
    cpdef bint has(self, bytes expected) except -1
    cpdef object expect(self, bytes expected)
    @cython.locals(data="const unsigned char *", at=Py_ssize_t)
    cpdef object expect_past(self, unsigned char wanted)
    @cython.locals(data="const unsigned char *", at=Py_ssize_t, start=Py_ssize_t)
    cpdef str text(self)
    @cython.locals(data="const unsigned char *", at=Py_ssize_t, start=Py_ssize_t, digits=Py_ssize_t, value=uint64_t)
    cpdef int64_t number(self) except -2
    @cython.locals(data="const unsigned char *", at=Py_ssize_t, start=Py_ssize_t, digits=Py_ssize_t, decimals=Py_ssize_t, has_dot=bint, units=uint64_t)
    cpdef int64_t decimal(self) except -2
    @cython.locals(data="const unsigned char *", at=Py_ssize_t, start=Py_ssize_t, after_dot=Py_ssize_t)
    cpdef str decimal_text(self)
    @cython.locals(data="const unsigned char *", at=Py_ssize_t, start=Py_ssize_t, whole=Py_ssize_t, decimals=Py_ssize_t, has_dot=bint, units=uint64_t)
    cpdef int64_t json_decimal(self) except -2
    @cython.locals(year=int64_t, month=int64_t, day=int64_t, hour=int64_t, minute=int64_t, second=int64_t, microsecond=int64_t, is_leap=bint, days=int64_t, before=int64_t, days_before=int64_t, days_after=int64_t)
    cpdef int64_t time_us(self) except -1
    @cython.locals(data="const unsigned char *", at=Py_ssize_t, value=int64_t)
    cdef int64_t _digits(self, Py_ssize_t count) except -1
    cpdef Py_ssize_t expect_pairs(self) except -1
    cpdef bint next_level(self) except -1
    @cython.locals(data="const unsigned char *", at=Py_ssize_t)
    cdef bint _is_in_row(self) except -1
    @cython.locals(data="const unsigned char *", at=Py_ssize_t)
    cdef bint _next_object(self) except -1
    @cython.locals(data="const unsigned char *")
    cpdef bytes row(self)
    @cython.locals(data="const unsigned char *")
    cpdef object expect_row(self, Py_ssize_t count)
    @cython.locals(data="const unsigned char *", at=Py_ssize_t, before="unsigned char")
    cpdef object expect_decimals(self, Py_ssize_t count)
    @cython.locals(data="const unsigned char *", at=Py_ssize_t, start=Py_ssize_t, digits=Py_ssize_t, decimals=Py_ssize_t, has_dot=bint)
    cpdef object expect_decimal(self)
    cpdef object fail(self)
    cdef Py_ssize_t _end(self) except -1


@cython.locals(frame=FrameScanner)
cpdef FrameScanner scanner_of(bytes data)
