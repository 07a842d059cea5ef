cpdef object place_command(object order, object owner, object limits)
