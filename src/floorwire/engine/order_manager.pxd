cimport cython

from floorwire.engine.account cimport Account
from floorwire.engine.account_queries cimport AccountQueries
from floorwire.engine.accounts cimport Accounts
from floorwire.engine.risk_profiles cimport RiskProfiles
from floorwire.engine.order_checks cimport OrderChecks
from floorwire.engine.settlement cimport Settlement
from floorwire.engine.place_commands cimport place_command


@cython.final
cdef class OrderManager(AccountQueries):
    cdef OrderChecks _checks
    cdef Settlement _settlement
    cdef dict _remote
    cdef object _on_stray

    cpdef object cancel(self, object order)
    cpdef list settle(self, object reports, object stamp_us)
    cdef object _next_order_id(self)
    cdef object _book(self, object event)
    cdef object _rule(self, object event)
