/**
 * Words for one thing in English, German, Chinese and Japanese, one concept per line: its name, then its words. `word-`
 * also stands for all words that begin with it and `-word` for those that end with it, which covers inflection and
 * compounds, and `word_word` for two words in a row. A concept with `~` before its name is an action that many tools offer, which tells little about a tool.
 */
export const CONCEPTS = `
~create: create creating creation make generate generating generator generation build produce compose set open submit erstell- anleg- leg lege mach mache erzeug- neu neue neuen verfass- 创建 新建 生成 制作 建立 新增 安排 提交 报 做 写 作成 作 作っ 作り 作る 新規 新しい 生成 設定
~add: add append insert put attach record hinzu hinzufug- fug fuge einfug- trag trage eintrag- erganz- 添加 追加 新增 插入 加入 加 追加 入れ 加え 挿入 登録
~get: get fetch read reading retrieve show view see look obtain display give lies lese lesen hol hole holen zeig zeige zeigen abruf- anzeig- 获取 读取 查看 得到 显示 看 取得 読み取- 読み込- 読- 表示 見 見せ 教え
~list: list listing all which liste auflist- alle welche welchen 列出 列表 哪些 所有 一覧 リスト すべて 全て
~search: search find lookup query seek locate discover retrieve google suche suchen such durchsuch- finde finden nachschlag- 搜索 查找 查询 检索 查 找 搜 搜一下 检索 検索 探- 調べ-
~update: update change edit modify replace set adjust andere andern anderung- aktualisier- bearbeit- 更新 修改 编辑 更改 变更 変更 編集 修正 直し
~delete: delete remove cancel erase discard losch- entfern- stornier- absag- 删除 移除 取消 删掉 撤销 削除 消し 消す 取り消- キャンセル
~send: send sending deliver forward transmit schick- sende senden verschick- versend- zusend- 发送 发 发给 寄 传送 推送 送信 送っ 送り 送る 送付
~check: check verify validate confirm pruf- uberpruf- kontrollier- 检查 验证 校验 核对 確認 検証 チェック
~manage: manage management control operate steuer- verwalt- 管理 控制 操作 操作
mail: mail email mailing gmail outlook inbox mailbox smtp mail- email- -mail postfach- 邮件 邮箱 电邮 电子邮件 发信 メール eメール 受信
message: ping dm message msg notify notification announce announcement inform tell post posting write nachricht- mitteilung- benachrichtig- sag sage schreib schreibe schreiben 消息 信息 通知 告诉 告知 留言 メッセージ 投稿 知らせ- 伝え-
sms: text_message short_message sms texting textnachricht- kurznachricht- 短信 ショートメール ショートメッセージ
channel: channel kanal- kanale- 频道 チャンネル チャネル
group: group team gruppe- 群 群聊 群组 群里 小组 团队 グループ チーム
chat: chat conversation messenger slack unterhaltung- gesprach- 聊天 会话 对话 群聊 チャット 会話
call: call phone telephone dial ring telefon- anruf- 电话 通话 拨打 手机 電話 通話
contact: address_book phone_number phone_book business_card contact addressbook kontakt- adressbuch- person 联系人 通讯录 联系方式 連絡先 アドレス帳 phonebook
customer: buyer customer client kund- 客户 顾客 顧客 お客様 取引先
sale: sale deal opportunity lead umsatz- umsatze- verkauf- 销售 销售额 商机 売上 商談 営業
calendar: date_book calendar schedule agenda kalender- 日历 日程 行程 カレンダー 予定 スケジュール
event: event appointment meeting termin terminen -termin -termine treffen verabredung- ereignis- veranstaltung- 活动 会议 约会 日程 安排 イベント 予定 予約 会議 面談 打ち合わせ アポ
meeting: video_call conference_call video_conference meeting conference call zoom webinar besprechung- konferenz- -konferenz sitzung- videokonferenz- 会议 开会 例会 会議 ミーティング 打ち合わせ
book: book booking reserve reservation buche buchen buchung- reservier- 预订 预约 预定 订 予約
task: action_item task todo reminder remind erinner- aufgabe- todo- 任务 待办 事项 提醒 リマインド タスク やること 用事 宿題
remind: remind reminder remember erinner- wiedervorlage 提醒 リマインド リマインダー 忘れ- 思い出-
done: done complete completed finish finished close tick erledig- abgehakt abhak- abschlie- fertig 完成 结束 做完 完了 終わ- 済み
issue: bug_report error_report support_ticket issue bug ticket defect incident jira fehler- ticket- 问题 缺陷 工单 故障 课题 課題 不具合 バグ チケット 障害
project: project projekt- 项目 プロジェクト 案件
board: board kanban card trello brett- karte 看板 卡片 ボード カード
comment: comment reply remark kommentar- kommentier- antwort- 评论 回复 批注 コメント 返信
change: pull_request merge_request pull merge pr patch commit 拉取 合并 提交 プル マージ コミット
repository: codebase branch repository repo repositories git github gitlab bitbucket 仓库 代码库 リポジトリ
code: source_code code source program script quellcode- programm- 代码 源码 程序 编程 コード プログラム
file: file attachment datei- -datei anhang- 文件 档案 附件 ファイル 添付
document: letter brief document doc dokument- -dokument unterlage- 文档 文书 文書 書類 ドキュメント 資料
folder: folder directory ordner- verzeichnis- 文件夹 目录 フォルダ フォルダー ディレクトリ
upload: upload uploading hoch hochlad- hochgelad- 上传 アップロード アップ put save store
download: download herunter herunterlad- runter runterlad- 下载 ダウンロード 落とし
share: sharing shared freigeb- freigabe- 分享 共享 共有
storage: cloud_drive hard_disk drive cloud storage dropbox bucket s3 disk speicher- laufwerk- ablage- 云盘 网盘 存储 云端 クラウド ドライブ ストレージ 保存
export: export exporting convert save exportier- 导出 输出 转为 エクスポート 書き出- 出力
convert: convert conversion converter turn transform into umwand- wandle konvertier- umrechn- 转换 转成 转为 换算 等于 変換 換算 変え
sheet: cell spreadsheet sheet excel xlsx csv workbook table tabelle- -tabelle 表格 电子表格 工作表 报表 スプレッドシート シート エクセル 表
row: row line record zeile- datensatz- 行 记录 一行 レコード
column: column field spalte- 列 字段 カラム
database: database db sql sqlite mysql postgres query datenbank- 数据库 データベース
data: data dataset daten- 数据 データ
chart: visualise visualize chart graph plot diagram diagramm- -diagramm grafik- schaubild- 图表 曲线 图 柱状图 条形图 折线图 饼图 グラフ 棒グラフ 折れ線グラフ 円グラフ チャート 図
bar: bar balken- saulen- 柱状 柱形 条形 柱状图 条形图 棒 棒グラフ
line: line linien- 折线 折线图 折れ線 折れ線グラフ
pie: pie donut torten- kreisdiagramm- 饼图 円グラフ 円
draw: sketch logo draw drawing paint painting illustration illustrate depict text2image txt2img dalle diffusion zeichn- male malen gemalde- 画 图画 绘制 绘画 文生图 絵 描- イラスト
image: background_image image picture photo photograph illustration drawing painting draw paint img text2image txt2img bild- -bild foto- zeichn- male malen gemalde- 图片 图像 照片 图画 相片 图 画 绘制 绘画 文生图 画像 写真 絵 イラスト 描- 図
video: frame 帧 截帧 フレーム video clip footage movie youtube video- 视频 影片 短片 录像 動画 ビデオ 映像
audio: audio sound recording mp3 podcast aufnahme- -aufnahme tonaufnahme- 音频 录音 声音 语音 音声 録音 オーディオ
speech: 读_出来 读出 voice_message speech speak spoken voice aloud tts text2speech stimme- vorles- sprech- sprachausgabe- 语音 朗读 播报 配音 念 読み上げ- 音声 朗読
transcribe: transcribe transcription transcript dictation asr said subtitle caption transkri- aufnahme- 录音 録音 mitschrift- untertitel- abtipp- 转写 转录 字幕 听写 转文字 文字起こし 起こ- 書き起こ- 字幕
translate: translate translation translator ubersetz- 翻译 译 译成 翻訳 訳- 通訳
language: language sprache- 语言 语种 言語
summary: tldr recap overview summary summarise summarize condense shorten digest zusammenfass- fass fasse kurz- 总结 摘要 概括 归纳 要約 まとめ- 概要
grammar: grammar spelling proofread rechtschreib- grammatik- korrektur- 语法 拼写 校对 文法 校正 スペル
weather: snow sunny storm schnee 下雪 雪 weather forecast temperature rain wetter- -wetter vorhersage- regen 天气 气温 预报 下雨 天気 気温 予報 雨
air: pollution ozone smog luft- 空气 大気
map: map karte landkarte stadtplan- 地图 地図 マップ
route: route direction navigation navigate way route- weg wegbeschreibung- strecke- anfahrt- navigier- 路线 导航 路径 怎么走 経路 道順 ルート 行き方
place: cafe pharmacy place location nearby near poi around nahe umgebung- standort- 周边 附近 地点 位置 哪里 周辺 近く 場所
address: latitude longitude breitengrad- langengrad- 经度 纬度 緯度 経度 postcode zip address coordinate geocode geocoding geocoder adresse- koordinate- 地址 坐标 经纬度 住所 座標
restaurant: restaurant dinner essen lokal tisch 餐厅 饭店 レストラン 飲食
flight: fly flight plane airline airport air flug- fluge- 航班 机票 飞机 フライト 航空- 飛行機 便
hotel: stay room hotel accommodation lodging unterkunft- zimmer- ubernacht- 酒店 宾馆 住宿 ホテル 宿- 旅館
train: timetable train railway rail zug zuge bahn- 火车 高铁 列车 动车 車次 電車 列車 鉄道 新幹線
fare: ticket fare fahrkarte- 票 车票 余票 切符 乗車
parcel: parcel package shipment shipping delivery courier tracking track paket- sendung- liefer- 快递 包裹 物流 运单 荷物 配達 配送 宅配 小包
invoice: invoice bill billing rechnung rechnungen -rechnung rechnungs- 发票 账单 开票 請求- 請求書 インボイス
receipt: receipt quittung- beleg- 收据 票据 領収書 レシート
payment: outstanding overdue billing payment pay paid unpaid owe debt money refund zahl- bezahl- zahlung- erstatt- offene schuld- 付款 支付 未付 退款 收款 支払- 決済 返金 入金
stock: share_price stock_price stock_market stock share quote security equity ticker nasdaq aktie- borse- -kurs wertpapier- 股票 股价 行情 证券 股市 株 株価 株式 証券
price: price cost much rate quote worth preis- -preis kosten kurs- 价格 多少钱 费用 行情 股价 報價 価格 値段 料金 費用 株価 いくら
currency: exchange_rate currency exchange dollar euro yuan rmb yen usd eur forex wahrung- wechselkurs- umrechn- 货币 汇率 美元 人民币 欧元 通貨 為替 ドル ユーロ
crypto: crypto cryptocurrency bitcoin btc ethereum krypto- 加密 比特币 仮想通貨 ビットコイン
calculate: calculate calculator calculation compute arithmetic math percent plus minus evaluate expression sum rechne rechnen berechn- ausrechn- rechner prozent- 计算 算 乘以 除以 加上 百分 算式 表达式 数学 計算 足し 掛け 数式
unit: unit metre meter mile kilogram einheit- 单位 単位
web: browse web internet online google bing duckduckgo www internet- netz web- 网上 上网 网页 互联网 网络 在线 ウェブ ネット インターネット web検索 ググ-
page: web_page web_site home_page page website webpage site url link html seite- -seite webseite- website- 网页 网站 页面 网址 链接 ページ サイト ウェブ url
crawl: crawl crawler scrape scraper spider 爬取 爬虫 抓取 クロール スクレイ-
screenshot: screenshot capture bildschirmfoto- 截图 截屏 スクリーンショット
news: press_article news headline press newspaper nachrichten schlagzeil- zeitung- presse 新闻 资讯 报道 时事 ニュース 報道 記事
paper: paper publication research academic scientific scholar scholarly journal study literature arxiv pubmed citation wissenschaft- forschung- fachartikel- studie- 论文 文献 学术 期刊 论著 論文 文献 学術 研究
article: article artikel- -artikel beitrag- 文章 词条 記事 文章
knowledge: wikipedia faq knowledge_base wiki knowledge wissen wissensdatenbank- encyclopedia lexikon- 知识 知识库 百科 ウィキ ナレッジ 百科 知識
dictionary: dictionary define definition meaning worterbuch- bedeutung- bedeutet 词典 字典 含义 意思 辞書 意味 定義
note: note notebook memo notiz- notier- 笔记 备忘 记下 ノート メモ 書き留め-
slides: slide_deck pitch_deck presentation slide deck powerpoint ppt pptx prasentation- folie- folien- 演示 幻灯 幻灯片 演示文稿 课件 プレゼン- スライド パワーポイント
qr: bar_code qr_code qr qrcode barcode strichcode- 二维 二维码 条形码 扫码 バーコード
extract: extract extraction parse parser ocr scan scanned recognise recognize extrahier- auslesen auslies erkenn- 提取 抽取 解析 识别 扫描 抽出 抜き出- 抜き 認識 読み取- スキャン
text: text word texte- 文本 文字 文章 テキスト 文字 文章 本文
idcard: identity passport ausweis- personalausweis- 身份证 证件 身分証 パスポート
sign: sign signed signature signing esign unterschrift- unterschreib- unterzeichn- signier- 签名 签署 签字 署名 サイン
contract: contract agreement vertrag- vertrage- -vertrag 合同 协议 契约 契約
light: light lamp bulb dim licht- lampe- beleuchtung- 灯 开灯 关灯 灯光 照明 電気 ライト 明かり
heating: heating thermostat heizung- klimaanlage- 空调 暖气 エアコン 暖房 冷房
switchoff: off shut switch ausschalt- abschalt- 关掉 关闭 消し 消す オフ
switchon: on switch einschalt- anschalt- 打开 开启 点け つけ オン
stop: shutdown terminate stop halt shut stopp- anhalt- herunterfahr- 停止 关闭 停机 停止 止め
start: start launch boot run trigger starte starten 启动 运行 開始 起動 実行
server: server machine vm instance host 服务器 主机 云主机 虚拟机 サーバー サーバ マシン
deploy: ship deploy deployment release rollout pipeline ci bereitstell- ausroll- 部署 上线 デプロイ リリース
music: singer band listen music song track album artist jazz playlist musik- lied- lieder- 音乐 歌 歌曲 音楽 曲 歌- アルバム
play: play playback speaker spiel spiele abspiel- wiedergabe- 播放 放 再生 流し かけ
film: film movie cinema kino- spielfilm- 电影 影院 映画
recipe: recipe cook dish meal ingredient rezept- koch- gericht- 菜谱 食谱 做菜 烹饪 レシピ 料理
food: food nutrition calorie nahrung- kalorie- 食物 营养 热量 栄養 カロリー
social: tweet twitter social facebook instagram twittere 推文 推特 微博 动态 朋友圈 ツイート つぶや-
survey: survey form questionnaire poll umfrage- fragebogen- formular- 问卷 调查 表单 アンケート 調査 フォーム
leave: pto day_off sick_day vacation leave holiday absence urlaub- frei 请假 休假 假期 年假 休暇 有給 休み
holiday: holiday feiertag- 假日 节假日 放假 祝日
sick: sick illness krank- 病假 生病 病欠
salary: salary payroll payslip wage gehalt- lohn- 工资 薪资 薪水 給与 給料
expense: expense reimbursement spesen- auslage- 报销 费用 経費 精算
approve: approve approval reject genehmig- freigabe- 审批 批准 同意 承認 許可
attendance: attendance clock anwesenheit- zeiterfassung- 考勤 打卡 出勤 勤怠
user: follower member user account profile nutzer- benutzer- konto- profil- 用户 账户 账号 资料 ユーザー アカウント プロフィール
statistic: statistic analytic report visitor views statistik- auswert- bericht- 统计 分析 报告 统计 統計 分析 レポート アクセス
advert: advertisement advertising campaign ad werbung- anzeigen kampagne- 广告 推广 広告 キャンペーン
domain: domain whois dns 域名 ドメイン
time: time_zone time clock date timezone hour uhrzeit- zeit zeitzone- datum- 时间 时区 日期 几点 時刻 時間 日時 何時
free: free available slot availability frei freie verfugbar- 空闲 有空 空い- 空き
edit: edit retouch modify bearbeit- 编辑 修图 剪辑 編集 加工
background: background cutout hintergrund- freistell- 背景 抠图 背景
upscale: upscale enlarge bigger sharper sharpen enhance resolution vergrosser- scharf- 放大 清晰 高清 超分 拡大 高画質 鮮明
memory: memory remember gedachtnis- 记忆 メモリ 記憶
job: job vacancy hiring career stelle stellen- arbeitsplatz- 职位 招聘 工作 求人 仕事
template: template vorlage- 模板 样式 テンプレート 雛形
password: one_time time_code verification_code einmal- password passcode otp kennwort- passwort- 密码 验证码 口令 パスワード 認証
`;
