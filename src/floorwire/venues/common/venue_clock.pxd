cimport cython
from libc.stdint cimport int64_t


@cython.final
cdef class VenueClock:
    cdef public int64_t refused
    cdef object _ahead_us
    cdef object _before_us
    cdef object _window
    cdef int64_t _window_ends_us
    cdef int64_t _most_ahead_us
    cdef object _sent_us
    cdef object _behind_us
    cdef int64_t _bound_us
    cdef object _suspects
    cdef object _suspect_us
    cdef object _suspect_since_us

    @cython.locals(at_us=int64_t, ahead_us=int64_t, ts_us=int64_t)
    cpdef list check(self, list outputs, object now_us)
    @cython.locals(ahead_us=int64_t)
    cpdef object bounded(self, object ts_us, object now_us)
    cpdef object venue_time(self, object now_us)
    cpdef list events(self, object now_us)
    cdef bint _accepts_jump(self, object ahead_us, object now_us) except -1
    cdef object _learned(self)
    cdef object _learn(self, object ahead_us, object window)
