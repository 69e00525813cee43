"""Words that hold sentences together, and words that ask, by language: what a question says beside its subject.

`words` folds them; `question` and `query_words` leave them out, `words` does not let them part two content words.
A language that is not here keeps all of its words: they are common there and weigh little.
"""

from __future__ import annotations

# Words so common in English questions that requiring or marking them helps nobody.
_ENGLISH = """
a about above after again all also am an and any are aren't as at be because been before being but by can
could couldn't did didn't do does doesn't doing don't down during each few for from further had has have
having he her here him his how i if in into is isn't it its just me more most my no nor not of off on once
only or other our out over own same she should so some such than that the their them then there these they
this those through to too under until up very was wasn't we were what when where which while who whom whose
why will with would you your
"""
COMMON_WORDS = frozenset(_ENGLISH.split())

# Of each language: common words; those a question or request begins with; and words that say "somebody talked about
# it", which name what is wanted, not what was said. Apostrophes part words; a letter alone is what elision leaves.
FUNCTION_WORDS: dict[str, tuple[str, str, str]] = {
    "en": (
        _ENGLISH,
        """are can could describe did do does explain find give had has have how is list should show summarise
        summarize tell was were what when where which who whom whose why will would""",
        """according answer answered asked asking conclusion conclusions debate debated describe described discuss
        discussed discusses discussing discussion discussions explain explained gave give given group introduce
        introduced meeting meetings mention mentioned opinion opinions regarding said say saying says state
        stated suggest suggested summarise summarize summary talk talked talking team tell thinks think thinking
        thought thoughts""",
    ),
    "de": (
        """aber alle allem allen aller alles als also am an auch auf aus bei beim bin bis bist da dabei damit
        danach dann darüber darum das dass dein deine dem den denn der des dessen deshalb dich die dies diese
        diesem diesen dieser dieses dir doch dort du durch ein eine einem einen einer eines er es etwas euch
        euer für gegen gewesen hab habe haben habt hat hatte hatten hier hin hinter ich ihm ihn ihnen ihr ihre
        ihrem ihren ihrer im in ins ist ja jede jedem jeden jeder jedes jetzt kann kein keine keinem keinen
        keiner können könnte man mehr mein meine meinem meinen meiner mich mir mit muss müssen nach nicht noch
        nun nur ob oder ohne schon sehr sein seine seinem seinen seiner seit sich sie sind so soll sollen
        sondern sonst sowie über um und uns unser unsere unter viel vom von vor war waren warum was weil weiter
        welche welchem welchen welcher welches wem wen wenn wer werden weshalb wie wieder wieso will wir wird wo
        woher wohin wurde wurden zu zum zur zwischen""",
        """beschreibe erkläre erzähle fasse finde gib gibt haben hat ist kann kannst können nenne sag sind wann
        warum was welche welchem welchen welcher welches wem wen wer weshalb wie wieso wo woher wohin worüber
        wozu zeig zeige""",
        """äußern äußerte besprechen besprochen denken denkt diskutieren diskutiert erklären erklärt erwähnen
        erwähnt erzählen erzählt gesagt gesprochen halten hält meinen meint meinung meinungen reden redet sage
        sagen sagt sagte sagten sprechen spricht zusammenfassung""",
    ),
    "fr": (
        """a à ai ait après as au aucun aussi autre aux avaient avait avant avec avez avons c ça car ce ceci cela
        celle celui ces cet cette ceux chez comme comment contre d dans de depuis des dont du elle elles en
        encore entre es est et étaient était été être eu eux fait faut font il ils j je jusqu l la là le les
        leur leurs lors lui m ma mais me même mes moi moins mon n ne ni non nos notre nous on ont ou où par
        parce pas pendant peu peut plus pour pourquoi qu quand que quel quelle quelles quels qui quoi s sa sans
        se sera ses si sien son sont sous sur t ta te tes toi ton tous tout toute toutes très trop tu un une
        vers voici voilà vos votre vous y""",
        """comment combien décris donne est explique liste montre où pourquoi qu quand que quel quelle quelles
        quels qui quoi résume trouve""",
        """avis dire disaient disait discuté discutent dit disent expliqué mentionné mentionnent opinion parlé
        parlent pense pensent pensé propos""",
    ),
    "es": (
        """a al algo algún alguna algunas alguno algunos ante antes aquel aquella así aún aunque bajo bien cada
        como cómo con contra cual cuál cuales cuáles cuando cuándo cuanto de del desde donde dónde dos durante e
        el él ella ellas ellos en entre era eran es esa esas ese eso esos esta está están estas este esto estos
        fue fueron ha había hace han hasta hay la las le les lo los más me mi mis mucho muy nada ni no nos
        nosotros nuestra nuestro o os otra otras otro otros para pero poco por porque que qué quien quién
        quienes se sea según ser si sí sido sin sobre son su sus también tan tanto te tiene tienen todo todos tu
        tus un una unas uno unos y ya yo""",
        """busca cómo cuál cuáles cuándo cuánto cuántos describe dime dónde enumera es explica muestra por qué
        quién quiénes resume""",
        """comentan comentaron decir dice dicen dicho dijeron dijo discutido hablado hablan hablaron mencionan
        mencionaron opinan opinión opiniones piensa piensan respecto""",
    ),
    "pt": (
        """a à ao aos aquela aquele aquilo as às até bem cada com como contra da das de dela dele deles depois
        desde do dos e é ela elas ele eles em entre era eram essa esse esta está estão estas este estes eu foi
        foram há isso isto já lhe mais mas me mesmo meu meus minha muito na não nas nem no nos nós nossa nosso
        num numa o os ou outra outro para pela pelas pelo pelos por porque qual quais quando que quê quem se
        seja sem ser seu seus sim sobre são só sua suas também te tem têm todo todos tu um uma umas uns você
        vocês""",
        """como descreva diga é encontre explique liste mostre onde por porquê qual quais quando quanto quantos que
        quê quem resuma""",
        """acham dito discutido disse disseram diz dizem dizer falam falaram mencionam mencionaram opinião opiniões
        pensa pensam respeito""",
    ),
    "it": (
        """a ad ai al alla alle allo agli anche ancora c che chi ci come con contro cosa d da dagli dai dal dalla
        dalle degli dei del della delle dello di dopo dove e è ed era erano essere fra gli ha hai hanno ho i il
        in io l la le lei li lo loro lui ma me mi mia mio molto ne negli nei nel nella nelle nello noi non
        nostra nostro o ogni per perché però più poi prima qual quale quali quando quanto quella quelle quelli
        quello questa queste questi questo qui s se sei senza si sia siamo sono sta stata stato stati su sua sue
        sugli sui sul sulla sulle suo suoi tra troppo tu tua tuo tutti tutto un una uno vi voi""",
        """che chi come cosa descrivi dimmi dove elenca mostra perché qual quale quali quando quanti quanto
        riassumi spiega trova""",
        """detto dice dicono dire discusso menzionano menzionato opinione opinioni parlano parlato pensa pensano
        proposito""",
    ),
    "nl": (
        """aan al alle alles als altijd andere ben bij daar dan dat de der deze die dit doch doen door dus een en
        er ge geen had hadden heb hebben hebt heeft het hem hen hier hij hoe hun iets ik in is ja je jij jou
        jullie kan kon kunnen maar me meer men met mij mijn moet na naar niet niets nog nu of om omdat ons onze
        ook op over reeds te tegen toch toen tot u uit uw van veel voor waar waarom wanneer want waren was wat
        we wel welk welke werd wezen wie wij wil worden wordt zal ze zelf zich zij zijn zo zonder zou""",
        """beschrijf geef hoe hoeveel noem toon vat waar waarom wanneer wat welk welke wie zoek""",
        """bespreken besproken denken denkt genoemd gesproken gezegd mening noemen praten vinden vindt zegt zeggen
        zeiden zei""",
    ),
    "sv": (
        """alla allt att av bara blev bli blir både de dem den denna deras dess dessa det detta dig din dina ditt
        du där då efter ej eller en er ett finns från för ha hade han hans har henne hon honom hur här i icke
        ingen inom inte ja jag kan kunde man med mellan men mig min mina mitt mot mycket nej ni nu när och om
        oss på samma sedan sig sin sina sitt ska skulle som så till under upp ut utan vad var vara varför varit
        vem vi vid vilka vilken vilket vår våra vårt än är åt över""",
        """beskriv förklara hitta hur lista när vad var varför vem vilka vilken vilket visa""",
        """nämner nämnde pratade pratar sade sagt säger talar tycker tänker åsikt åsikter""",
    ),
    "da": (
        """af alle alt anden at blev blive bliver da de dem den denne der deres det dette dig din dine dit du efter
        eller en end er et for fordi fra få ham han hans har havde have hende her hos hun hvad hvem hver hvilke
        hvilken hvilket hvis hvor hvordan hvorfor hvornår i ikke ind ingen jeg kan kun kunne man mange med meget
        men mig min mine mit mod må når ned nogle noget nu og også om op os over på samme selv sig sin sine sit
        skal skulle som sådan til ud under var ved vi vil ville vores være været""",
        """beskriv find forklar hvad hvem hvilke hvilken hvilket hvor hvordan hvorfor hvornår vis""",
        """mener mening nævner nævnte sagde sagt siger snakkede synes taler talte tænker""",
    ),
    "no": (
        """alle alt andre at av både bare ble bli blir da de deg dem den denne der deres det dette din du eller en
        enn er et ett for fordi fra før ha hadde han hans har henne her hos hun hva hvem hver hvilke hvilken
        hvilket hvis hvor hvordan hvorfor i ikke ingen inn jeg kan kun kunne man mange med meg meget men mer min
        mine mitt mot må når ned noe noen nå og også om opp oss over på samme seg selv sin sine sitt skal skulle
        slik som så til ut under var ved vi vil ville vår være vært""",
        """beskriv finn forklar hva hvem hvilke hvilken hvilket hvor hvordan hvorfor når vis""",
        """mener mening nevner nevnte sa sagt sier snakker snakket synes tenker""",
    ),
    "fi": (
        """ei eivät en että ennen emme ette he heidän hän hänen ja jo joka jonka jos jotka kaikki kanssa kuin kuka
        kun me meidän mikä minkä minä missä mistä mitkä mitä miten miksi mukaan mutta myös ne niiden niin niitä
        noin nyt näitä nämä ole oli olivat olla on ovat se sen siellä siinä sitä sinä te teidän tai tuo tämä
        tämän tässä tätä vain vai vaikka voi""",
        """etsi kerro kuka ketkä kuvaile luettele miksi mikä milloin minkä missä mistä miten mitkä mitä näytä
        selitä""",
        """ajattelee ajattelevat kertoi kertoivat mainitsi mainitsivat mieltä puhuivat puhuu sanoi sanoivat sanoo
        sanovat""",
    ),
    "pl": (
        """a aby ale ani bardzo bez bo być był była było byli były bym ci co czy dla do gdy gdzie go i ich ile im
        ja jak jaka jakie jaki jako je jego jej jest jestem jeśli już każdy kiedy kim kto która które którego
        której który których którzy ku lub ma mają mi mnie mną mu my na nad nam nas nasz nasze nawet nią nich
        nie nim niż no o od on ona one oni oraz po pod przed przez przy są się ta tak takie także tam te tego
        tej ten to tu ty tych tylko tym u w wam was wasz we więc wszystko z za ze że żeby""",
        """co czy czemu dlaczego gdzie ile jaka jaki jakie jakich jak kiedy kim komu kto które który opisz podaj
        pokaż wyjaśnij znajdź""",
        """mówi mówią mówili mówił opinia opinie powiedział powiedziała powiedzieli sądzą sądzi temat myślą myśli
        uważają wspomina wspominają""",
    ),
    "cs": (
        """a aby ale ani asi až bez bude být by byl byla byli bylo byly co což či do ho i já jak jaká jaké jako
        jaký je jeho její jejich jen jenž jestli ještě ji jim jít již jsem jsi jsme jsou jste k kam kde kdo kdy
        když která které kteří který ke ku má mají mě mezi mi mít mně mnou moc můj my na nad nám nás náš naše ne
        nebo než nic o od on ona oni ono pak po pod podle pokud pro proč proto protože při s se si sice svůj ta
        tak také takže tam tato te tě tedy ten tento této ti to toho tohle tom tomu tu tuto ty u už v vám vás
        váš vaše ve více však všech vy z za ze že""",
        """co čeho čemu čím jaká jaké jak jaký kde kdo kdy koho kolik která které který najdi popiš proč ukaž
        vysvětli""",
        """mluví mluvili myslí názor názory říká říkají říkal řekl řekla řekli zmínil zmiňují""",
    ),
    "ru": (
        """а без более был была были было быть в вам вас ваш во вот все всё вы где да для до его ее её если есть
        еще ещё же за и из или им их к как какая какие каких какой ко когда кого которая которые который кто ли
        мне много можно мой мы на над нам нас наш не него нее нет ни них но ну о об однако он она они оно от
        очень по под при про с сам свой себя со так также такой там те тем то того тоже только том тот ты у уже
        что чтобы чье чем чего эта эти это этого этой этом этот я""",
        """где зачем как какая какие каких какой когда кого кому кто куда найди объясни опиши откуда перечисли
        покажи почему сколько что чем чего""",
        """говорил говорили говорит говорят думает думают мнение мнения обсуждали сказал сказала сказали считают
        упоминали""",
    ),
    "tr": (
        """ama ancak bana bazı belki ben beni benim bir biri biz bize bizim bu buna bunlar bunu bunun çok çünkü da
        daha de değil diye en gibi hem her hiç için ile ise işte ki mi mı mu mü ne neden o olan olarak olduğu
        onlar onları onu onun ona sadece sana sen seni siz sonra şey şu tüm var ve veya ya yani yok""",
        """açıkla anlat bul göster hangi kaç kim kime listele nasıl ne neden nerede neler niçin niye özetle""",
        """bahsediyor bahsetti dedi dediler diyor diyorlar düşünüyor düşünüyorlar konuştu söyledi söylediler
        söylüyor""",
    ),
}
FUNCTION_WORDS["nb"] = FUNCTION_WORDS["nn"] = FUNCTION_WORDS["no"]

# Words and names of these lists that are English, too: they do not say by themselves that a question is not English.
_ALSO_ENGLISH = """
alle alt ante bade bare ben bin car come con contra dan den der des dice die dies dig din dina dine dire door dos
dove du ed ella end era fasse find finn font fra fran fur halt ham han hans hat hay hem hen hier hon ins jag jen jest
jim jo kim liste man men met mia mina mine mod mot noe non nun ole one par para per plus pod pour pro sa sage sans
se sea sera sin sit ska son sue tai tak take tan ten till tom tout trop vain van var vat vice vid vis visa von want
war
"""
ALSO_ENGLISH = frozenset(_ALSO_ENGLISH.split())
