cimport cython
from libc.stdint cimport int64_t


@cython.final
cdef class TradeIds:
    cdef readonly object last
    cdef object _latest_us
    cdef object _before_restart

    @cython.locals(result=str)
    cpdef str check(self, object trade_id, object ts_us)
    cdef object _is_from_before_restart(self, object trade_id, object ts_us)
