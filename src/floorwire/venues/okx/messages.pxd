cdef bytes HEAD
cdef Py_ssize_t NAME_FROM
cdef dict _frames


cpdef object read(object data)
