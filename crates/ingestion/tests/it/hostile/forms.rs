//! A small whole file of every form that is read. Figures are made up.
use crate::parquet::small;

/// A form of a source's files.
pub(super) struct Form {
    /// What the table of verdicts calls it.
    pub(super) name: &'static str,
    /// The parser that reads it.
    pub(super) parser: &'static str,
    pub(super) file: &'static str,
    /// What stands before the rows, without the last line feed; of JSON what opens the records.
    pub(super) header: &'static str,
    /// Two rows; `@` stands for the figure of the first.
    pub(super) rows: [&'static str; 2],
    /// The figure.
    pub(super) figure: &'static str,
    /// What closes the records of JSON; empty for csv.
    pub(super) end: &'static str,
}

impl Form {
    pub(super) fn is_json(&self) -> bool {
        !self.end.is_empty()
    }

    pub(super) fn is_binary(&self) -> bool {
        self.header.is_empty()
    }

    /// The first row with a figure.
    pub(super) fn row(&self, figure: &str) -> String {
        self.rows[0].replace('@', figure)
    }

    /// A file with these rows.
    pub(super) fn with(&self, rows: &[&str]) -> Vec<u8> {
        let (between, after) = if self.is_json() { (",\n", self.end) } else { ("\n", "\n") };
        format!("{}\n{}{after}", self.header, rows.join(between)).into_bytes()
    }

    /// A file that is as it should be.
    pub(super) fn whole(&self) -> Vec<u8> {
        if self.is_binary() {
            return small();
        }
        self.with(&[&self.row(self.figure), self.rows[1]])
    }
}

macro_rules! forms {
    ($($name:literal $parser:literal $file:literal $figure:literal { $header:literal $first:literal $second:literal $($end:literal)? })*) => {
        [$(Form { name: $name, parser: $parser, file: $file, figure: $figure, header: $header,
            rows: [$first, $second],
            end: concat!($($end)?) }),*]
    };
}

/// Every form.
pub(super) const FORMS: [Form; 28] = forms! {
    "baci" "baci/2" "BACI_HS92_Y2020_V202401b.csv" "26.628" {
        "t,i,j,k,v,q" "2020,36,360,250410,@,40.261" "2020,36,842,250410,5,NA" }
    "tidy-trade" "tidy/2" "t.csv" "26.628" {
        "# hs: HS92\nperiod,exporter,importer,product,value_kusd,quantity_t"
        "2020,AUS,IDN,250410,@,40.261" "2020,AUS,USA,250410,5,NA" }
    "tidy-production" "tidy/2" "p.csv" "1500" {
        "period,economy,material,stage,quantity,unit,basis" "2020,COD,cobalt,mined,@,t,content" "2020,CHN,\
            cobalt,mined,2,kt,content" }
    "tidy-governance" "tidy/2" "g.csv" "0.5" {
        "period,economy,indicator,value" "2020,DEU,political-stability,@" "2020,CHN,political-stability,\
                                                                           -0.5" }
    "tidy-parameters" "tidy/2" "a.csv" "0.22" {
        "period,parameter,value,economy,partner,material,stage,item" "2020,eol-rir,@,,,cobalt,\
                                                                      ," "2020,eol-rir,0.1,,,lithium,," }
    "tidy-restrictions" "tidy/2" "r.csv" "2010-07-01" {
        "from,until,economy,material,stage,kind,evaluation,product,partners"
        "@,,CHN,rare-earths,refined,quota,red,284690,JPN" "2011-01-01,,IDN,nickel,mined,prohibition,red,," }
    "tidy-concordance" "tidy/2" "c.csv" "0.9" {
        "nomenclature,code,material,stage,purity" "acme,A-1,graphite,mined,@" "acme,A-2,cobalt,mined,1" }
    "tidy-projections" "tidy/2" "j.csv" "1500" {
        "period,economy,material,stage,side,scenario,quantity,unit,basis"
        "2040,COD,cobalt,mined,supply,base,@,t,content" "2040,CHN,cobalt,mined,supply,base,2,kt,content" }
    "tidy-targets" "tidy/2" "s.csv" "0.6" {
        "id,title,announced_by,consumer,material,stage,measure,line,direction,status,source,announced,\
         confirmation"
        "one,One,G7,G7,cobalt,mined,import-share,@,at-most,plan,Text,2026-06-17,confirmed"
        "two,Two,G7,G7,nickel,mined,import-share,0.5,at-most,plan,Text,2026-06-17,confirmed" }
    "tidy-claims" "tidy/2" "m.csv" "0.1" {
        "id,text,said_by,date,consumer,materials,stage,measure,supplier,low,high,source,confirmation"
        "one,One,Me,2026-06-17,WLD,cobalt,mined,production-share,CHN,@,0.7,Text,confirmed"
        "two,Two,Me,2026-06-17,WLD,nickel,mined,production-share,CHN,0,0.7,Text,confirmed" }
    "iea" "iea-cm/1" "iea.csv" "5476.5" {
        "material,stage,economy,year,kt" "Copper,mining,CHL,2024,@" "Copper,mining,CHN,2024,1815" }
    "usgs-world" "usgs-mcs/1" "mcs2024-graph_world.csv" "72000" {
        "Source,Country,Type,Prod_t_2022,Prod_t_est_2023,Prod_notes,Reserves_t,Reserves_notes"
        "MCS2024,China,\"Mine production, graphite\",@,80000,,,," "MCS2024,Brazil,\"Mine production, \
                                                                   graphite\",70,80,,," }
    "usgs-salient" "usgs-mcs/1" "mcs2024-graph_salient.csv" "50100" {
        "DataSource,Commodity,Year,USprod_t,Imports_t,Exports_t,Consump_t,Price_dt,Stocks_t,NIR_pct"
        "MCS2024,Graphite (Natural),2019,0,@,5880,45000,1340,,100" "MCS2024,Graphite \
                                                                    (Natural),2020,0,42000,5920,36000,1520,,\
                                                                    100" }
    "usgs-wide" "usgs-mcs/1" "MCS2025_World_Data.csv" "1000" {
        "SOURCE,COMMODITY,COUNTRY,TYPE,UNIT_MEAS,PROD_2023,PROD_EST_ \
         2024,PROD_NOTES,RESERVES_2024,RESERVE_NOTES"
        "MCS2025,Cobalt,China,\"Mine production, contained\",metric \
         tons,@,1100,,," "MCS2025,Cobalt,Cuba,\"Mine production, contained\",metric tons,5,6,,," }
    "usgs-long" "usgs-mcs/1" "MCS2026_Data.csv" "1000" {
        "MCS chapter,Section,Commodity,Country,Statistics,Statistics_detail,Unit,Year,Value,Notes,Is \
         critical mineral 2025,Other notes"
        "COBALT,World Mine Production and Reserves,Cobalt,Cuba,Production,Mine production,metric \
         tons,2024,@,,Yes,"
        "COBALT,World Mine Production and Reserves,Cobalt,Canada,Production,Mine production,metric \
         tons,2024,7,,Yes," }
    "wgi-long" "wgi/2" "wgi.csv" "-2.03" {
        "code,countryname,year,indicator,estimate,stddev,nsource,pctrank"
        "ZAR,\"Congo, Dem. Rep.\",2022,pv,@,0.2,8,4.2" "ROM,Romania,2022,cc,-0.1,0.2,8,50" }
    "wgi-wide" "wgi/2" "wgi_pv.csv" "0.99" {
        "Country/Territory,Code,1996,1998,2000,country_code" "Aruba,ABW,nan,@,1.3,533" "Chile,CHL,0.5,,..,\
            152" }
    "wgi-json" "wgi/2" "wgi.json" "0.6" {
        "[{\"page\":1,\"pages\":1,\"per_page\":50,\"total\":2,\"lastupdated\":\"2025-01-01\"},["
        "{\"indicator\":{\"id\":\"PV.EST\",\"value\":\"x\"},\"country\":{\"id\":\"DE\",\"value\":\"Germany\"},\"countryiso3code\":\"DEU\",\"date\":\"2022\",\"value\":@}"
        "{\"indicator\":{\"id\":\"PV.EST\",\"value\":\"x\"},\"country\":{\"id\":\"CL\",\"value\":\"Chile\"},\"countryiso3code\":\"CHL\",\"date\":\"2022\",\"value\":0.1}"
        "]]" }
    "wmd" "wmd/1" "wmd.csv" "63580" {
        "material,Country,Country_Code,Country_ISO,2021,2022,unit,data_source"
        "Cobalt,\"Congo, D.R.\",180,COD,100.0,@,metr. t,r" "Cobalt,Chile,152,CHL,1,7.0,metr. t,e" }
    "oecd" "oecd/1" "oecd.csv" "284690" {
        "Country,ISO3,Year,HS6,Product,Measure type,Unit,Value,Notes"
        "China,CHN,2012,@,x,Export tax,%,25," "Indonesia,IDN,2012,260400,x,Export prohibition,,," }
    "gta-csv" "gta/2" "gta.csv" "2020-01-01" {
        "State Act Title,Intervention ID,GTA Evaluation,Implementing Jurisdictions,Intervention \
         Type,Affected Products,Date Implemented,Date Removed"
        "x,1,Red,Indonesia,Export ban,260400,@," "x,2,Red,China,Export quota,\"81129, 280530\",2010-07-01," }
    "gta-json" "gta/2" "gta.json" "\"2020-01-01\"" {
        "["
        "{\"intervention_id\":1,\"gta_evaluation\":\"Red\",\"implementing_jurisdictions\":[{\"id\":360,\"name\":\"Indonesia\",\"iso\":\"IDN\"}],\"intervention_type\":\"Export ban\",\"affected_products\":[260400],\"date_implemented\":@,\"date_removed\":null}"
        "{\"intervention_id\":2,\"gta_evaluation\":\"Red\",\"implementing_jurisdictions\":[{\"id\":156,\"name\":\"China\",\"iso\":\"CHN\"}],\"intervention_type\":\"Export quota\",\"affected_products\":[280530],\"date_implemented\":\"2010-07-01\",\"date_removed\":null}"
        "]" }
    "comtrade-csv" "comtrade/2" "comtrade.csv" "1500.5" {
        "period,reporterCode,partnerCode,partner2Code,flowCode,classificationCode,cmdCode,customsCode,\
         motCode,netWgt,isNetWgtEstimated,primaryValue"
        "2022,842,156,0,M,H6,250410,C00,0,1000,false,@" "2022,842,276,0,M,H6,250410,C00,0,1000,false,7" }
    "comtrade-json" "comtrade/2" "comtrade.json" "1500.5" {
        "{\"elapsedTime\":\"0.1 secs\",\"count\":2,\"data\":["
        "{\"typeCode\":\"C\",\"freqCode\":\"A\",\"refMonth\":52,\"period\":\"2022\",\"reporterCode\":276,\"flowCode\":\"M\",\"partnerCode\":156,\"partner2Code\":0,\"classificationCode\":\"H6\",\"cmdCode\":\"250410\",\"customsCode\":\"C00\",\"motCode\":0,\"netWgt\":12.5,\"isNetWgtEstimated\":true,\"primaryValue\":@}"
        "{\"typeCode\":\"C\",\"freqCode\":\"A\",\"refMonth\":52,\"period\":\"2022\",\"reporterCode\":276,\"flowCode\":\"M\",\"partnerCode\":842,\"partner2Code\":0,\"classificationCode\":\"H6\",\"cmdCode\":\"250410\",\"customsCode\":\"C00\",\"motCode\":0,\"netWgt\":12.5,\"isNetWgtEstimated\":true,\"primaryValue\":3}"
        "],\"error\":\"\"}" }
    "comext" "comext/2" "full202403.dat" "4000" {
        "REPORTER,PARTNER,TRADE_TYPE,PRODUCT_NC,FLOW,STAT_PROCEDURE,SUPPL_UNIT,PERIOD,VALUE_EUR,QUANTITY_KG,\
         QUANTITY_SUPPL_UNIT"
        "DE,CN,E,25041000,1,1,,202403,9000,@," "FR,CN,E,25041000,1,1,,202403,5,1000," }
    "comext-sdmx" "comext-sdmx/1" "ds-045409.csv" "400" {
        "DATAFLOW,LAST UPDATE,freq,reporter,partner,product,flow,indicators,TIME_PERIOD,OBS_VALUE,OBS_FLAG"
        "ESTAT:DS-045409(1.0),15/09/26 11:00:00,A,DE,CN,25041000,1,QUANTITY_IN_100KG,2024,@,"
        "ESTAT:DS-045409(1.0),15/09/26 11:00:00,A,FR,CN,25041000,1,QUANTITY_IN_100KG,2024,10," }
    "hmrc" "hmrc/1" "hmrc.csv" "1500.5" {
        "period,flow,reporter,partner,hs6,native_code,value_usd,qty_kg,confidential"
        "202406,export,GBR,CHN,250410,25041000,@,316.0,False" "202406,import,GBR,USA,250410,25041000,5,10.0,\
                                                               False" }
    "parquet" "tidy-parquet/2" "p.parquet" "" { "" "" "" }
};
