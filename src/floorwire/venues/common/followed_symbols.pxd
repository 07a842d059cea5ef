cimport cython

from floorwire.venues.common.links cimport ActivityTracker


@cython.final
cdef class FollowedSymbols:
    cdef readonly dict by_native
    cdef readonly object statuses
    cdef readonly ActivityTracker activity
    cdef object _links
