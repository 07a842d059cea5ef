from floorwire.venues.okx.scanned_messages cimport scan


cdef bint IS_COMPILED
cdef bytes HEAD
cdef Py_ssize_t NAME_FROM
cdef dict _frames


cpdef object read(object data)
cpdef object decode_frame(object data)
