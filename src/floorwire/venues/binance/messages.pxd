from floorwire.venues.binance.scanned_messages cimport scan


cdef bytes COMBINED
cdef Py_ssize_t NAME_FROM
cdef bint IS_COMPILED
cdef dict _combined


cpdef object read(object data)
cpdef object decode_frame(object data)
