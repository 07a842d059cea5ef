cimport cython

from floorwire.engine.account cimport Account
from floorwire.engine.accounts cimport Accounts
from floorwire.engine.risk_profiles cimport RiskProfiles
from floorwire.engine.order_checks cimport OrderChecks
from floorwire.engine.settlement cimport Settlement
from floorwire.engine.venue_orders cimport place_command


@cython.final
cdef class OrderManager:
    cdef readonly Accounts _accounts
    cdef OrderChecks _checks
    cdef Settlement _settlement
    cdef readonly RiskProfiles _risk_profiles
    cdef object _skipped_id
    cdef dict _remote
    cdef object _on_stray

    @cython.locals(known=Account)
    cpdef object find(self, object account, object order_id=*, object client_order_id=*)
    cpdef object cancel(self, object order)
    cpdef list settle(self, object reports, object stamp_us)
    cdef object _book(self, object event)
    cdef object _rule(self, object event)
