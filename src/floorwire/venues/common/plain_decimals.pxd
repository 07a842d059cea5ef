cimport cython
from libc.stdint cimport int64_t, uint64_t


cdef bint IS_COMPILED
cdef int64_t MAX_DIGITS


@cython.locals(units=uint64_t, digits_read=int64_t, after_dot=int64_t, length=Py_ssize_t, character=Py_UCS4)
cpdef int64_t plain_decimal(str text) except -2
@cython.locals(units=int64_t, decimals=int64_t)
cpdef str plain_text(int64_t plain)
