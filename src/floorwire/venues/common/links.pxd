cimport cython
from libc.stdint cimport int64_t


@cython.final
cdef class Link:
    cdef readonly str name
    cdef readonly str url
    cdef readonly object silent_us
    cdef readonly str state
    cdef object _since_us
    cdef public object received_us
    cdef object _next_us
    cdef object _waits
    cdef object _active_since_us
    cdef readonly bint is_quiet

    cpdef object received(self, object now_us)


@cython.final
cdef class Links:
    cdef object _silent_us
    cdef object _may_connect
    cdef object _stale_us
    cdef object _jitter
    cdef dict _links

    @cython.locals(link=Link)
    cpdef str received(self, str name, object now_us)


@cython.final
cdef class ActivityTracker:
    cdef dict _earlier_us
    cdef dict _received_us
    cdef set _links
    cdef str _last_link

    cpdef object link_received(self, str link)
    cpdef object symbol_received(self, str symbol, object now_us)
