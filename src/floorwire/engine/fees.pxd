cpdef tuple fee(object notional, object fee_ppm, object credit)
