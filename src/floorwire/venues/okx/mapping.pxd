from floorwire.venues.common.level_reader cimport LevelReader
from floorwire.venues.okx.scanned_messages cimport ScannedQuote, ScannedTicker, ScannedTrade


cpdef object trade(object message, object of, LevelReader reader)
cpdef object quote(object message, object of, LevelReader reader)
cpdef object scanned_trade(ScannedTrade message, object of, LevelReader reader)
cpdef object scanned_quote(ScannedQuote message, object of, LevelReader reader)
cpdef object scanned_day(ScannedTicker message, object of)
cdef tuple _best(list levels, object of, LevelReader reader)
