cimport cython

from floorwire.engine.accounts cimport Account, Accounts
from floorwire.engine.risk_profiles cimport RiskProfiles
from floorwire.engine.settlement cimport Settlement


@cython.final
cdef class OrderManager:
    cdef object _rules
    cdef object _prices
    cdef Accounts _accounts
    cdef object _worst_ppm
    cdef Settlement _settlement
    cdef RiskProfiles _risk_profiles
    cdef object _spared_id

    @cython.locals(known=Account)
    cpdef object find(self, object account, object order_id=*, object client_order_id=*)
    cpdef object cancel(self, object order)
    cpdef list settle(self, object reports, object now_us)
    cdef object _book(self, object event)
    cdef object _rule(self, object event)
    cdef object _admit(self, object risk_profile, object prices, object account, object key, object now_us)
    cdef object _drafted(
        self, object ticket, object terms, object prices, object limits, object key, object now_us
    )


cdef tuple _holding(Account account, object terms, object side, object more)
