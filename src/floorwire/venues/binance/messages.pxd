cimport cython


cdef bytes COMBINED
cdef Py_ssize_t NAME_FROM
cdef unsigned char QUOTE
cdef unsigned char AT
cdef bint IS_COMPILED
cdef dict _combined


cpdef object read(object data)
@cython.locals(begin=Py_ssize_t, end=Py_ssize_t)
cdef bytes _stream_name(bytes data)
