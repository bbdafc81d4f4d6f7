"""Work log, projects, code and configuration."""

from engine.training.personal_notes.templates import parse_family

WORK = parse_family(
    "work",
    "Work log / Projects / Office / Job notes / To do at work / Tickets / Customers / Workshop / Project diary / Handover",
    """
card {project}
+ Deadline / Due / Delivery = {date}
= {e} must be finished by {v}.
= The deadline for {e} is {v}.
= {e} ships on {v}.
? When is {e} due? | By when must {e} be done? | {e} deadline | What is the delivery date of {e}?
! What has to be finished by {v}? | Which project is due on {v}?
+ Lead / Owner / Responsible = {person}
= {v} is responsible for {e}.
= {e} belongs to {v}.
= {v} took over {e}.
? Who is responsible for {e}? | Who owns {e}? | {e} owner | To whom do I send questions about {e}?
! What is {v} responsible for? | Which project belongs to {v}?
+ Customer / Client / For = {company}
= {e} is for {v}.
= The client of {e} is {v}.
= {v} ordered {e}.
? Who is {e} for? | Which client ordered {e}? | {e} customer | Who pays for {e}?
! What are we building for {v}? | Which project did {v} order?
+ Status / State = waiting for the parts / half finished / on hold / ready for testing / being painted / approved / delayed by a week / in the design phase / almost done / cancelled
= {e} is {v}.
= The state of {e}: {v}.
? What is the status of {e}? | How far along is {e}? | {e} status | How is {e} going?
! Which project is {v}?
+ Budget / Cost / Price = {bigmoney}
= The budget for {e} is {v}.
= We calculated {v} for {e}.
? What is the budget for {e}? | How much may {e} cost? | {e} budget
! What costs {v}?
+ Next step / Next / To do = order the screws / phone the printer / sand the edges / write the tests / book the crane / call the architect / update the drawings / check the invoices / varnish the lid / measure the doorway / ask for feedback
= The next step for {e} is to {v}.
= For {e} we now have to {v}.
? What is the next step for {e}? | What has to be done next on {e}? | {e} next step
! For which project do we have to {v}?
+ Folder / Files / Drive = {name}/{code} / shelf {gate} / drive {name} / box {code}
= The documents of {e} are in {v}.
= Everything about {e} is kept in {v}.
? Where are the documents of {e}? | Where do I find the files for {e}? | {e} folder
! What is in {v}?

fact
= Ticket {code} is assigned to {person}: {problem}.
= {person} got ticket {code} because {problem}.
= {code}: {problem}, {person} looks at it.
- {code} / {person} / {problem}
? person: Who works on ticket {code}? | To whom is {code} assigned? | {code} assignee | Who takes care of the fact that {problem}?
? problem: What is ticket {code} about? | What is the problem in {code}? | Which problem is {person} working on?
? code: Which ticket does {person} have? | What is the number of {person}'s ticket? | In which ticket did we note that {problem}?

fact
= Spent {few} hours on {project} and {number} minutes on {project2} today.
= Hours today: {project} {few} h, {project2} {number} min.
= Today {project} took me {few} hours, {project2} only {number} minutes.
? few: How many hours went into {project}? | How long did I work on {project}? | {project} hours
? number: How many minutes did {project2} take? | How long was I busy with {project2}?
? project: What took me {few} hours? | On what did I spend most of the time?

fact
= The new colleague {full} comes from {city} and starts on {date} in {team}.
= On {date} {full} from {city} joins the {team} team.
= {full} will start in {team} on {date}; the move from {city} is already done.
? full: Who is the new colleague? | Who joins the {team} team? | Who starts on {date}?
? city: Where does the new colleague come from? | From which place is {full}?
? date: When does {full} start? | On which day does the new colleague begin?
? team: Which team gets {full}? | In what department does the new colleague start?

fact
= {company} ordered {hundred} {goods}, delivery on {date}.
= Order from {company}: {hundred} {goods} by {date}.
= {hundred} {goods} go to {company} on {date}.
: goods = brochures / oak boards / mugs / name badges / LED strips / hinges / notebooks / tiles / T-shirts / jars / folding chairs / filters
? hundred: How many {goods} does {company} want? | What quantity did {company} order? | {company} quantity
? goods: What did {company} order? | What are we delivering on {date}?
? date: When do the {goods} have to be delivered? | What is the delivery date for {company}?
? company: Who ordered {goods}? | Which customer gets {hundred} {goods}?

fact
= Cut the {part} to {cm} and use {few} screws per corner.
= The {part} is {cm} long, with {few} screws per corner.
= {part}: {cm}; {few} screws in every corner.
: part = shelf board / table leg / bench seat / door frame / picture frame / drawer front / bed slat / cabinet side / lid of the chest
? cm: How long is the {part}? | To what length do I cut the {part}? | {part} length
? few: How many screws does the {part} take per corner? | What number of screws goes in each corner of the {part}?

fact
= Glue for the {job2} is {product}; it dries in {number} hours.
= I use {product} for the {job2}, drying time {number} hours.
= The {job2} is glued with {product} and has to dry {number} hours.
: job2 = boat hull / veneer / guitar neck / chair repair / model plane / tile mosaic / shoe sole / drum shell
? product: What glue do I use for the {job2}? | Which product holds the {job2}? | {job2} glue
? number: How many hours must the {job2} dry? | How long does {product} take to dry?

fact
= {person} suggested to rename {project} to {project2}.
= {project} is now called {project2}, {person}'s idea.
= On {person}'s suggestion {project} got the name {project2}.
? project2: What is {project} called now? | What is the new name of {project}? | {project} new name
? project: What was {project2} called before? | What is the old name of {project2}?
? person: Who wanted to rename {project}? | Whose idea was the name {project2}?

fact
= My desk is in room {room} on floor {few}, the printer is called {product}.
= Room {room}, floor {few}; the printer there is {product}.
= I sit on floor {few} in room {room}, and the printer is {product}.
? room: In which room is my desk? | Where do I sit in the office? | my room number
? few: On which floor is my desk? | What floor do I work on?
? product: What is the office printer called? | Which printer do I choose in the office? | printer name

fact
= {person} from {team} called about {topic} and wants an answer by {date}.
= Call back {person} ({team}) about {topic} by {date}.
= {team} called: {person} needs to know about {topic}, latest {date}.
: topic = the {colour} samples / invoice {code} / the {city} trip / parking badges / the {name} contract / the fire drill / the summer party / overtime
? topic: What did {person} call about? | What does {team} want to know? | Why do I have to call {person}?
? date: By when does {person} want an answer? | When at the latest do I call {person} back?
? team: Which department is {person} from? | Where in the company does {person} work?
? person: Who called about {topic}? | Whom do I have to call back?

fact
= My pay rises from {bigmoney} to {bigmoney2} on {date}, said {person}.
= {person} told me: {bigmoney2} instead of {bigmoney} from {date}.
= From {date} I earn {bigmoney2}, up from {bigmoney}; {person} signed it.
? bigmoney2: What will I earn after the rise? | How much is my new salary? | new salary
? bigmoney: What did I earn before the rise? | What was my former pay?
? date: When does my pay rise? | From which day do I earn more?
? person: Who told me about the pay rise? | Who approved my rise?
""",
)

CODE = parse_family(
    "code",
    "Servers / Config / Dev notes / Runbook / Snippets / Deployment / Setup / README notes / Cheat sheet / Homelab",
    """
card {host}
+ port / Port / PORT = {port}
= {e} listens on port {v}.
= The port of {e} is {v}.
= You reach {e} on port {v}.
? Which port does {e} use? | On what port is {e} listening? | {e} port | What port do I open for {e}?
! What runs on port {v}? | Which service listens on {v}?
+ ip / IP / address / host = {ip}
= {e} has the address {v}.
= {e} runs on {v}.
= ssh to {e} with {v}.
? What is the IP of {e}? | On which address does {e} run? | {e} ip | Where does {e} live in the network?
! What runs on {v}? | Which machine is {v}?
+ version / Version = {version}
= {e} is on version {v}.
= We deployed {e} {v}.
= The current version of {e} is {v}.
? Which version of {e} is deployed? | What is the version of {e}? | {e} version
! What is on version {v}?
+ user / username / admin = {name}
= The admin user of {e} is {v}.
= Log in to {e} as {v}.
? Which user do I log in to {e} with? | What is the admin account of {e}? | {e} user
! Where do I log in as {v}?
+ password / pass / pw = {password}
= The password of {e} is {v}.
= {e} takes the password {v}.
? What is the password for {e}? | How do I get into {e}? | {e} password
! What does the password {v} open?
+ database / db / stack = {tool}
= {e} is built on {v}.
= {e} depends on {v}.
? What is {e} built on? | Which technology does {e} depend on? | {e} stack
! What depends on {v}?
+ backup / Backup at = {clock}
= The backup of {e} runs at {v}.
= Every night at {v} {e} is backed up.
? When is {e} backed up? | At what time does the backup of {e} start? | {e} backup time
! What is backed up at {v}?
+ owner / on call / contact = {person}
= {v} looks after {e}.
= If {e} is down call {v}.
? Who looks after {e}? | Whom do I call when {e} is down? | {e} owner
! What does {v} look after?
+ path / config / log = /srv/{code}/conf / /etc/{pin}.toml / /opt/{code}
= The files of {e} are in {v}.
= {e} reads {v}.
? Where are the files of {e}? | Which path does {e} read? | {e} path
! What reads {v}?

fact
= Set {key} to {port} in {file}, otherwise {problem}.
= In {file} the value {key} has to be {port}; else {problem}.
= {key} = {port} ({file}), if not, {problem}.
: key = max_sessions / cache_limit / worker_pool / retry_delay / upload_cap / queue_depth / idle_timeout / page_budget / batch_rows / heartbeat_ms
: file = settings.toml / app.yaml / server.ini / config.json / local.env / limits.conf / deploy.yml / tuning.cfg
? port: What value does {key} need? | To what do I set {key}? | {key} value | Which number goes into {key}?
? file: Where is {key} set? | Which file contains {key}? | In what file do I change {key}?
? key: Which setting has to be {port}? | What do I change in {file}?
? problem: What happens if {key} is wrong? | What goes wrong without the right {key}?

fact
= To {job3} run `{cmd}`.
= `{cmd}` is the command to {job3}.
= If you want to {job3}: `{cmd}`.
- {job3}: `{cmd}`
: job3 = restart the queue / clear the cache / rotate the logs / rebuild the index / renew the certificate / seed the test data / list the users / sync the photos / flash the board / export the report / mount the NAS
: cmd = make {plain} / ./{plain}.sh --fast / {plain} --all -v / python -m {plain} / sudo {plain} restart / npm run {plain}
? cmd: How do I {job3}? | Which command is used to {job3}? | {job3} command | What do I type to {job3}?
? job3: What does `{cmd}` do? | When do I use `{cmd}`?

fact
= We upgraded {tool} from {version} to {version2} on {date}.
= {tool} is now {version2} (was {version}), since {date}.
= On {date} {tool} went from {version} to {version2}.
? version2: Which version of {tool} do we run? | What is {tool} at now? | {tool} current version
? version: What version of {tool} did we have before? | From which version was {tool} upgraded?
? date: When was {tool} upgraded? | Since when do we have the new {tool}?

fact
= The bug where {problem} was caused by {cause} and fixed in {version} by {person}.
= {person} fixed it in {version}: {problem}, due to {cause}.
= Because of {cause}, {problem}; {person} repaired this in {version}.
: cause = a wrong index / an expired token / a missing lock / a typo in the template / a full disk / an old driver / a leap year / a race in the scheduler / a forgotten flag / bad DNS
? cause: What caused the bug where {problem}? | Why was it that {problem}? | What was the reason for the bug {person} fixed?
? version: In which version is it fixed that {problem}? | Which release contains {person}'s fix?
? person: Who fixed the bug where {problem}? | Who solved the trouble with {cause}?
? problem: What did {person} fix? | What did {cause} lead to?

fact
= The API key for {company} is {code} and expires on {date}.
= {company} key {code}, valid until {date}.
= Until {date} we can use the key {code} for {company}.
? code: What is the API key for {company}? | Which key do I use with {company}? | {company} API key
? date: When does the key for {company} expire? | Until when is {code} valid?
? company: Whose API key is {code}? | For what is the key {code}?

fact
= The {job4} job runs every {weekday} at {clock} and mails {person}.
= Cron: {job4}, {weekday} {clock}, mail to {person}.
= Each {weekday} at {clock} the {job4} job starts; {person} gets the mail.
: job4 = cleanup / invoice / newsletter / thumbnail / statistics / archive / sitemap / currency / reminder
? weekday: On which day does the {job4} job run? | {job4} job day
? clock: At what time does the {job4} job start? | When in the day is the {job4} job? | {job4} job time
? person: Who gets mail from the {job4} job? | To whom does the {job4} job report?
? job4: Which job runs on {weekday}? | What starts at {clock}?

fact
= The staging site is {url}, the login {name} with {password}.
= Staging: {url}, user {name}, password {password}.
= To look at staging open {url} and enter {name} / {password}.
: url = stage-{number}.{plain}.example / {plain}.test / {plain}-{few}.internal
? url: What is the address of staging? | Where is the staging site? | staging url
? name: Which user do I need on staging? | staging login name
? password: What is the staging password? | How do I get past the login of staging? | staging password

fact
= The sensor in the {houseroom} has ID {code} and runs on pin {few}.
= {houseroom} sensor: ID {code}, pin {few}.
= Pin {few} is for the {houseroom} sensor ({code}).
? code: What is the ID of the {houseroom} sensor? | {houseroom} sensor id | Which ID does the sensor in the {houseroom} have?
? few: On which pin is the {houseroom} sensor? | What pin belongs to {code}? | {houseroom} sensor pin
? houseroom: Where is the sensor {code}? | Which sensor is on pin {few}?
""",
)
