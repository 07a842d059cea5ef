cimport cython


@cython.final
cdef class ExecutionReporter:
    cdef object _first_trade

    cpdef list report(self, object events, object ts_us)
    cdef object _tell_fills(self, list told, object match, object ts_us)


cdef object _report(object event, object ts_us)
