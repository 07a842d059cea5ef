cimport cython

from floorwire.engine.accounts cimport Accounts


@cython.final
cdef class RiskProfiles:
    cdef Accounts _accounts
    cdef object _default
    cdef dict _default_of_venue
    cdef readonly dict _known
    cdef dict _rates

    cpdef object of(self, tuple asked, object rate_us)
    cpdef object forget(self)
