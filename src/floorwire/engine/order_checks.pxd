cimport cython

from floorwire.engine cimport risk_checks
from floorwire.engine.account cimport Account
from floorwire.engine.accounts cimport Accounts
from floorwire.engine.holds cimport held, holding
from floorwire.engine.risk_profiles cimport RiskProfiles


@cython.final
cdef class OrderChecks:
    cdef Accounts _accounts
    cdef RiskProfiles _risk_profiles
    cdef object _prices
    cdef object _worst_ppm
    cdef dict _worst_of_venue

    @cython.locals(known=Account)
    cpdef object find_duplicate(self, object ticket)
    @cython.locals(account=Account)
    cpdef tuple new_order(
        self,
        object ticket,
        object at,
        object order_id,
        object key,
        object max_notional,
        object deadline_us,
    )
    @cython.locals(account=Account)
    cpdef tuple amend(
        self,
        object order,
        object at,
        object price_ticks,
        object lots,
        object key,
        object max_notional,
        object deadline_us,
    )
    cdef object _feed_and_rates(self, object risk_profile, object prices, object account, object key, object now_us)
    cdef object _drafted(
        self,
        object ticket,
        object instrument_units,
        object prices,
        object limits,
        object order_id,
        object key,
        object stamp_us,
    )
    cdef object _order(
        self,
        object ticket,
        object instrument_units,
        object lots,
        object price_ticks,
        object order_id,
        object key,
        object stamp_us,
    )


cdef tuple _reserve_balance(Account account, object instrument_units, object side, object more)
cdef object _check_room(Account account, object instrument_units, object is_buy, object lots, object price_ticks)
