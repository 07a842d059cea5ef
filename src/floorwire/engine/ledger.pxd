cimport cython


@cython.final
cdef class Ledger:
    cdef public dict decimals
    cdef public object fees
    cdef public object outside

    cpdef object put(self, dict balances, object changed)
    cpdef object charge(self, object asset, object units)
