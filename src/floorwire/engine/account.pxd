cimport cython


@cython.final
cdef class Account:
    cdef public object owner
    cdef public dict balances
    cdef public dict open
    cdef public dict open_by_key
    cdef public object closed
    cdef public dict by_client
    cdef public dict buying
    cdef public object fills
    cdef public dict positions
    cdef public object limits
    cdef public dict key_limits
    cdef public dict guards
    cdef public object seqs
