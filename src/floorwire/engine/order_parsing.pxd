cpdef object ticks(object instrument, object field, object text)
cpdef object lots(object instrument, object text)
cdef object _given(object value)
cdef object _steps(object scale, object field, object text, object code)
