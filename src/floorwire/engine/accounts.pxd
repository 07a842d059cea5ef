cimport cython

from floorwire.engine.account cimport Account
from floorwire.engine.ledger cimport Ledger


@cython.final
cdef class Accounts:
    cdef public Ledger ledger
    cdef public dict instrument_units
    cdef public dict by_base
    cdef public dict shared
    cdef public dict former
    cdef public dict orders
    cdef public set halts
    cdef public object last_order_id
    cdef public object last_fill_id
    cdef public object last_deposit_id
    cdef public dict last_deposit_ids
    cdef public dict by_name
    cdef public dict mass_cancels
    cdef public dict money_requests
    cdef public dict identities
    cdef public dict venue_money
    cdef public object remote

    @cython.locals(account=Account)
    cpdef object apply(self, object event)
    cdef object _fill(self, Account account, object event)
    cpdef object _put(self, Account account, object order)
    cdef object _close(self, Account account, object order)
    cdef object _change(self, Account account, object event)
    cdef object _rule(self, object event)
