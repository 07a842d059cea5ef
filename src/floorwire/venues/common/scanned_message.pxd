cdef class ScannedMessage:
    cdef public str symbol
