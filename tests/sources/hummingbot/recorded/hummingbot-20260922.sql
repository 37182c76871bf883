BEGIN TRANSACTION;
CREATE TABLE "Controllers" (
	id TEXT, 
	controller_id INTEGER NOT NULL, 
	timestamp FLOAT NOT NULL, 
	type TEXT NOT NULL, 
	config JSON NOT NULL, 
	PRIMARY KEY (controller_id)
);
CREATE TABLE "Executors" (
	id TEXT NOT NULL, 
	timestamp FLOAT NOT NULL, 
	type TEXT NOT NULL, 
	close_type INTEGER, 
	close_timestamp BIGINT, 
	status INTEGER NOT NULL, 
	config JSON NOT NULL, 
	net_pnl_pct FLOAT NOT NULL, 
	net_pnl_quote FLOAT NOT NULL, 
	cum_fees_quote FLOAT NOT NULL, 
	filled_amount_quote FLOAT NOT NULL, 
	is_active BOOLEAN NOT NULL, 
	is_trading BOOLEAN NOT NULL, 
	custom_info JSON NOT NULL, 
	controller_id TEXT, 
	PRIMARY KEY (id)
);
CREATE TABLE "FundingPayment" (
	timestamp BIGINT NOT NULL, 
	config_file_path TEXT NOT NULL, 
	market TEXT NOT NULL, 
	rate FLOAT NOT NULL, 
	symbol TEXT NOT NULL, 
	amount FLOAT NOT NULL, 
	PRIMARY KEY (timestamp)
);
INSERT INTO "FundingPayment" VALUES(1760000060000,'conf_pure_mm_1.yml','binance_perpetual',0.0001,'BTC-USDT',-1.23456789);
CREATE TABLE "MarketData" (
	timestamp BIGINT NOT NULL, 
	exchange TEXT NOT NULL, 
	trading_pair TEXT NOT NULL, 
	mid_price BIGINT NOT NULL, 
	best_bid BIGINT NOT NULL, 
	best_ask BIGINT NOT NULL, 
	order_book JSON, 
	PRIMARY KEY (timestamp)
);
CREATE TABLE "MarketState" (
	id INTEGER NOT NULL, 
	config_file_path TEXT NOT NULL, 
	market TEXT NOT NULL, 
	timestamp BIGINT NOT NULL, 
	saved_state JSON NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "MarketState" VALUES(1,'conf_pure_mm_1.yml','binance',1760000099000,'{"B4": {"client_order_id": "B4", "exchange_order_id": "xB4", "trading_pair": "BTC-USDT", "order_type": "LIMIT", "trade_type": "BUY", "price": "58000.5", "amount": "0.02", "executed_amount_base": "0", "executed_amount_quote": "0", "last_state": "1", "leverage": "1", "position": "NIL", "creation_timestamp": 1760000011.0, "last_update_timestamp": 1760000011.0, "order_fills": {}, "cumulative_fee_paid_base": 0.0, "cumulative_fee_paid_quote": 0.0}, "B5": {"client_order_id": "B5", "exchange_order_id": "xB5", "trading_pair": "SHIB-USDT", "order_type": "LIMIT", "trade_type": "BUY", "price": "0.00001234", "amount": "1000000", "executed_amount_base": "0", "executed_amount_quote": "0", "last_state": "1", "leverage": "1", "position": "NIL", "creation_timestamp": 1760000017.0, "last_update_timestamp": 1760000017.0, "order_fills": {}, "cumulative_fee_paid_base": 0.0, "cumulative_fee_paid_quote": 0.0}}');
INSERT INTO "MarketState" VALUES(2,'conf_pure_mm_1.yml','binance_perpetual',1760000099000,'{"P1": {"client_order_id": "P1", "exchange_order_id": "xP1", "trading_pair": "BTC-USDT", "order_type": "LIMIT", "trade_type": "SELL", "price": "60050", "amount": "0.5", "executed_amount_base": "0", "executed_amount_quote": "0", "last_state": "1", "leverage": "1", "position": "NIL", "creation_timestamp": 1760000021.0, "last_update_timestamp": 1760000021.0, "order_fills": {}, "cumulative_fee_paid_base": 0.0, "cumulative_fee_paid_quote": 0.0}}');
CREATE TABLE "Metadata" (
	"key" TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "Metadata" VALUES('local_db_version','20230516');
CREATE TABLE "Order" (
	id TEXT NOT NULL, 
	config_file_path TEXT NOT NULL, 
	strategy TEXT NOT NULL, 
	market TEXT NOT NULL, 
	symbol TEXT NOT NULL, 
	base_asset TEXT NOT NULL, 
	quote_asset TEXT NOT NULL, 
	creation_timestamp BIGINT NOT NULL, 
	order_type TEXT NOT NULL, 
	amount BIGINT NOT NULL, 
	leverage INTEGER NOT NULL, 
	price BIGINT NOT NULL, 
	last_status TEXT NOT NULL, 
	last_update_timestamp BIGINT NOT NULL, 
	exchange_order_id TEXT, 
	position TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "Order" VALUES('B1','conf_pure_mm_1.yml','pure_market_making','binance','BTC-USDT','BTC','USDT',1760000000000,'LIMIT_MAKER',30000,1,60000100000,'BuyOrderCompleted',1760000099000,'xB1','NIL');
INSERT INTO "Order" VALUES('S1','conf_pure_mm_1.yml','pure_market_making','binance','BTC-USDT','BTC','USDT',1760000004000,'LIMIT',30000,1,60100100000,'SellOrderCompleted',1760000099000,'xS1','NIL');
INSERT INTO "Order" VALUES('B2','conf_pure_mm_1.yml','pure_market_making','binance','BTC-USDT','BTC','USDT',1760000007000,'LIMIT',10000,1,59000000000,'OrderCancelled',1760000099000,'xB2','NIL');
INSERT INTO "Order" VALUES('B3','conf_pure_mm_1.yml','pure_market_making','binance','BTC-USDT','BTC','USDT',1760000009000,'LIMIT',10000,1,59100000000,'OrderExpired',1760000099000,'xB3','NIL');
INSERT INTO "Order" VALUES('B4','conf_pure_mm_1.yml','pure_market_making','binance','BTC-USDT','BTC','USDT',1760000011000,'LIMIT',20000,1,58000500000,'BuyOrderCreated',1760000011000,'xB4','NIL');
INSERT INTO "Order" VALUES('M1','conf_pure_mm_1.yml','pure_market_making','binance','ETH-USDT','ETH','USDT',1760000012000,'MARKET',500000,1,0,'BuyOrderCompleted',1760000099000,'xM1','NIL');
INSERT INTO "Order" VALUES('S2','conf_pure_mm_1.yml','pure_market_making','binance','ETH-USDT','ETH','USDT',1760000014000,'LIMIT',500000,1,3010000000,'SellOrderCompleted',1760000099000,'xS2','NIL');
INSERT INTO "Order" VALUES('B5','conf_pure_mm_1.yml','pure_market_making','binance','SHIB-USDT','SHIB','USDT',1760000017000,'LIMIT',1000000000000,1,12,'BuyOrderCompleted',1760000099000,'xB5','NIL');
INSERT INTO "Order" VALUES('P1','conf_pure_mm_1.yml','pure_market_making','binance_perpetual','BTC-USDT','BTC','USDT',1760000021000,'LIMIT',500000,1,60050000000,'SellOrderCompleted',1760000099000,'xP1','NIL');
CREATE TABLE "OrderStatus" (
	id INTEGER NOT NULL, 
	order_id TEXT NOT NULL, 
	timestamp BIGINT NOT NULL, 
	status TEXT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(order_id) REFERENCES "Order" (id)
);
INSERT INTO "OrderStatus" VALUES(1,'B1',1760000000000,'BuyOrderCreated');
INSERT INTO "OrderStatus" VALUES(2,'B1',1760000001000,'OrderFilled');
INSERT INTO "OrderStatus" VALUES(3,'B1',1760000002000,'OrderFilled');
INSERT INTO "OrderStatus" VALUES(4,'B1',1760000099000,'BuyOrderCompleted');
INSERT INTO "OrderStatus" VALUES(5,'S1',1760000004000,'SellOrderCreated');
INSERT INTO "OrderStatus" VALUES(6,'S1',1760000005000,'OrderFilled');
INSERT INTO "OrderStatus" VALUES(7,'S1',1760000099000,'SellOrderCompleted');
INSERT INTO "OrderStatus" VALUES(8,'B2',1760000007000,'BuyOrderCreated');
INSERT INTO "OrderStatus" VALUES(9,'B2',1760000099000,'OrderCancelled');
INSERT INTO "OrderStatus" VALUES(10,'B3',1760000009000,'BuyOrderCreated');
INSERT INTO "OrderStatus" VALUES(11,'B3',1760000099000,'OrderExpired');
INSERT INTO "OrderStatus" VALUES(12,'B4',1760000011000,'BuyOrderCreated');
INSERT INTO "OrderStatus" VALUES(13,'M1',1760000012000,'OrderFilled');
INSERT INTO "OrderStatus" VALUES(14,'M1',1760000012000,'BuyOrderCreated');
INSERT INTO "OrderStatus" VALUES(15,'M1',1760000099000,'BuyOrderCompleted');
INSERT INTO "OrderStatus" VALUES(16,'S2',1760000014000,'SellOrderCreated');
INSERT INTO "OrderStatus" VALUES(17,'S2',1760000015000,'OrderFilled');
INSERT INTO "OrderStatus" VALUES(18,'S2',1760000099000,'SellOrderCompleted');
INSERT INTO "OrderStatus" VALUES(19,'B5',1760000017000,'BuyOrderCreated');
INSERT INTO "OrderStatus" VALUES(20,'B5',1760000018000,'OrderFilled');
INSERT INTO "OrderStatus" VALUES(21,'B5',1760000099000,'BuyOrderCompleted');
INSERT INTO "OrderStatus" VALUES(22,'P1',1760000021000,'SellOrderCreated');
INSERT INTO "OrderStatus" VALUES(23,'P1',1760000022000,'OrderFilled');
INSERT INTO "OrderStatus" VALUES(24,'P1',1760000099000,'SellOrderCompleted');
CREATE TABLE "Position" (
	id TEXT NOT NULL, 
	controller_id TEXT NOT NULL, 
	connector_name TEXT NOT NULL, 
	side TEXT NOT NULL, 
	trading_pair TEXT NOT NULL, 
	timestamp BIGINT NOT NULL, 
	volume_traded_quote BIGINT NOT NULL, 
	amount BIGINT NOT NULL, 
	breakeven_price BIGINT NOT NULL, 
	unrealized_pnl_quote BIGINT NOT NULL, 
	realized_pnl_quote BIGINT NOT NULL, 
	cum_fees_quote BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE "RangePositionCollectedFees" (
	id INTEGER NOT NULL, 
	config_file_path TEXT NOT NULL, 
	strategy TEXT NOT NULL, 
	token_id INTEGER NOT NULL, 
	token_0 TEXT NOT NULL, 
	token_1 TEXT NOT NULL, 
	claimed_fee_0 FLOAT NOT NULL, 
	claimed_fee_1 FLOAT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE "RangePositionUpdate" (
	id INTEGER NOT NULL, 
	hb_id TEXT NOT NULL, 
	timestamp BIGINT NOT NULL, 
	tx_hash TEXT, 
	token_id INTEGER NOT NULL, 
	trade_fee JSON NOT NULL, 
	config_file_path TEXT, 
	market TEXT, 
	order_action TEXT, 
	trading_pair TEXT, 
	position_address TEXT, 
	lower_price FLOAT, 
	upper_price FLOAT, 
	mid_price FLOAT, 
	base_amount FLOAT, 
	quote_amount FLOAT, 
	base_fee FLOAT, 
	quote_fee FLOAT, 
	position_rent FLOAT, 
	position_rent_refunded FLOAT, 
	trade_fee_in_quote FLOAT, 
	PRIMARY KEY (id)
);
CREATE TABLE "TradeFill" (
	config_file_path TEXT NOT NULL, 
	strategy TEXT NOT NULL, 
	market TEXT NOT NULL, 
	symbol TEXT NOT NULL, 
	base_asset TEXT NOT NULL, 
	quote_asset TEXT NOT NULL, 
	timestamp BIGINT NOT NULL, 
	order_id TEXT NOT NULL, 
	trade_type TEXT NOT NULL, 
	order_type TEXT NOT NULL, 
	price BIGINT NOT NULL, 
	amount BIGINT NOT NULL, 
	leverage INTEGER NOT NULL, 
	trade_fee JSON NOT NULL, 
	trade_fee_in_quote BIGINT, 
	exchange_trade_id TEXT NOT NULL, 
	position TEXT, 
	PRIMARY KEY (market, order_id, exchange_trade_id), 
	FOREIGN KEY(order_id) REFERENCES "Order" (id)
);
INSERT INTO "TradeFill" VALUES('conf_pure_mm_1.yml','pure_market_making','binance','BTC-USDT','BTC','USDT',1760000001000,'B1','BUY','LIMIT_MAKER',60000100000,12000,1,'{"fee_type": "AddedToCost", "percent": "0", "percent_token": "BNB", "flat_fees": [{"token": "BNB", "amount": "0.00001234"}]}',0,'8001','NIL');
INSERT INTO "TradeFill" VALUES('conf_pure_mm_1.yml','pure_market_making','binance','BTC-USDT','BTC','USDT',1760000002000,'B1','BUY','LIMIT_MAKER',60000100000,18000,1,'{"fee_type": "AddedToCost", "percent": "0", "percent_token": "BNB", "flat_fees": [{"token": "BNB", "amount": "0.00001851"}]}',0,'8002','NIL');
INSERT INTO "TradeFill" VALUES('conf_pure_mm_1.yml','pure_market_making','binance','BTC-USDT','BTC','USDT',1760000005000,'S1','SELL','LIMIT',60100100000,30000,1,'{"fee_type": "DeductedFromReturns", "percent": "0", "percent_token": null, "flat_fees": [{"token": "USDT", "amount": "1.803003"}]}',1803003,'8003','NIL');
INSERT INTO "TradeFill" VALUES('conf_pure_mm_1.yml','pure_market_making','binance','ETH-USDT','ETH','USDT',1760000012000,'M1','BUY','MARKET',3000000000,500000,1,'{"fee_type": "DeductedFromReturns", "percent": "0.001", "percent_token": null, "flat_fees": []}',1500000,'9001','NIL');
INSERT INTO "TradeFill" VALUES('conf_pure_mm_1.yml','pure_market_making','binance','ETH-USDT','ETH','USDT',1760000015000,'S2','SELL','LIMIT',3010000000,500000,1,'{"fee_type": "AddedToCost", "percent": "0.001", "percent_token": null, "flat_fees": []}',1505000,'9002','NIL');
INSERT INTO "TradeFill" VALUES('conf_pure_mm_1.yml','pure_market_making','binance','SHIB-USDT','SHIB','USDT',1760000018000,'B5','BUY','LIMIT',12,1000000000000,1,'{"fee_type": "AddedToCost", "percent": "0", "percent_token": null, "flat_fees": [{"token": "USDT", "amount": "0.01234"}]}',12340,'7001','NIL');
INSERT INTO "TradeFill" VALUES('conf_pure_mm_1.yml','pure_market_making','binance_perpetual','BTC-USDT','BTC','USDT',1760000022000,'P1','SELL','LIMIT',60050000000,500000,1,'{"fee_type": "AddedToCost", "percent": "0", "percent_token": null, "flat_fees": [{"token": "USDT", "amount": "12.01"}]}',12010000,'6001','OPEN');
CREATE INDEX c_type ON "Controllers" (type);
CREATE INDEX ex_type_timestamp ON "Executors" (type, timestamp);
CREATE INDEX ex_type ON "Executors" (type);
CREATE INDEX ex_type_status ON "Executors" (type, status);
CREATE INDEX ex_close_timestamp ON "Executors" (close_timestamp);
CREATE INDEX ex_timestamp ON "Executors" (timestamp);
CREATE INDEX ex_status ON "Executors" (status);
CREATE INDEX fp_config_timestamp_index ON "FundingPayment" (config_file_path, timestamp);
CREATE INDEX fp_market_trading_pair_timestamp_index ON "FundingPayment" (market, symbol, timestamp);
CREATE INDEX timestamp ON "MarketData" (exchange, trading_pair);
CREATE INDEX o_market_trading_pair_timestamp_index ON "Order" (market, symbol, creation_timestamp);
CREATE INDEX o_market_base_asset_timestamp_index ON "Order" (market, base_asset, creation_timestamp);
CREATE INDEX o_market_quote_asset_timestamp_index ON "Order" (market, quote_asset, creation_timestamp);
CREATE INDEX o_config_timestamp_index ON "Order" (config_file_path, creation_timestamp);
CREATE INDEX p_connector_name_trading_pair_timestamp_index ON "Position" (connector_name, trading_pair, timestamp);
CREATE INDEX p_controller_id_timestamp_index ON "Position" (controller_id, timestamp);
CREATE INDEX rpu_timestamp_index ON "RangePositionUpdate" (hb_id, timestamp);
CREATE INDEX rpu_position_index ON "RangePositionUpdate" (position_address);
CREATE INDEX rpu_config_file_index ON "RangePositionUpdate" (config_file_path, timestamp);
CREATE INDEX rpf_id_index ON "RangePositionCollectedFees" (token_id, config_file_path);
CREATE INDEX os_order_id_timestamp_index ON "OrderStatus" (order_id, timestamp);
CREATE INDEX tf_config_timestamp_index ON "TradeFill" (config_file_path, timestamp);
CREATE INDEX tf_market_base_asset_timestamp_index ON "TradeFill" (market, base_asset, timestamp);
CREATE INDEX tf_market_trading_pair_timestamp_index ON "TradeFill" (market, symbol, timestamp);
CREATE INDEX tf_market_quote_asset_timestamp_index ON "TradeFill" (market, quote_asset, timestamp);
COMMIT;
