from floorwire.venues.common.level_reader cimport LevelReader
from floorwire.venues.kraken.scanned_messages cimport ScannedTicker, ScannedTrade


cpdef object trade(object message, object trade_id, object of, LevelReader reader)
cpdef object quote(object ticker, object of, LevelReader reader, object ts_us)
cpdef object scanned_trade(ScannedTrade message, object trade_id, object of, LevelReader reader)
cpdef object scanned_quote(ScannedTicker ticker, object of, LevelReader reader, object ts_us)
cpdef object scanned_day(ScannedTicker ticker, object of, object ts_us)
cdef tuple _best(object price, object qty, object of, LevelReader reader)
