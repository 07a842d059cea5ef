cimport cython

from floorwire.engine.account cimport Account
from floorwire.engine.accounts cimport Accounts
from floorwire.engine.risk_profiles cimport RiskProfiles


cdef class AccountQueries:
    cdef readonly Accounts _accounts
    cdef readonly RiskProfiles _risk_profiles
    cdef object _skipped_id

    @cython.locals(known=Account)
    cpdef object find(self, object account, object order_id=*, object client_order_id=*)
