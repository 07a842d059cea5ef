cpdef object after_fill(object before, object is_buy, object base, object quote, object quantity)
