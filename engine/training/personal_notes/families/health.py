"""Doctors, medicines, measurements, sport."""

from engine.training.personal_notes.templates import parse_family

FAMILY = parse_family(
    "health",
    "Health / Doctor / Medication / Medical notes / Fitness / Check-up / Training log / Prescriptions / Wellbeing",
    """
card {medicine}
+ Dose / Dosage / Amount = {mg} / {few} drops / {few} ml
= The dose of {e} is {v}.
= Take {v} of {e} each time.
= I was told to take {v} of {e}.
? How much {e} do I take? | What is the dose of {e}? | {e} dose | How large is one portion of {e}?
! Of which medicine do I take {v}?
+ When / Time / Take = after breakfast / before bed / with lunch / on an empty stomach / with dinner / at noon / before the run / every eight hours / every other day / on Sundays only
= {e} is to be taken {v}.
= I take {e} {v}.
? When do I take {e}? | At what moment of the day should {e} be taken? | {e} when to take | How is {e} scheduled?
! What do I take {v}? | Which medicine is taken {v}?
+ For / Against / Reason = {symptom}
= {e} is against {v}.
= {e} should help with {v}.
= The doctor gave me {e} for {v}.
? What is {e} for? | Why do I take {e}? | Against what does {e} help? | {e} reason
! What helps against {v}? | Which medicine did I get for {v}? | What do I take for {v}?
+ Until / Stop on / Last day = {date}
= I have to keep taking {e} until {v}.
= The last day for {e} is {v}.
? Until when do I take {e}? | When can I stop {e}? | {e} last day
! Which medicine ends on {v}?
+ Prescribed by / From / Doctor = {doctor}
= {e} was prescribed by {v}.
= {v} put me on {e}.
? Who prescribed {e}? | Which doctor gave me {e}? | {e} prescribed by
! What did {v} prescribe? | Which medicine did I get from {v}?
+ Side effect / Watch out = {symptom}
= {e} can cause {v}.
= With {e} watch out for {v}.
? What side effect does {e} have? | What can {e} cause? | {e} side effect
! Which medicine can cause {v}?

fact
= {doctor} prescribed {medicine} {mg} against {symptom}.
= Against {symptom} {doctor} gave me {medicine}, {mg}.
= New from {doctor}: {medicine} {mg} for {symptom}.
? doctor: Who prescribed {medicine}? | Which doctor treats my {symptom}? | From whom is the {medicine}?
? medicine: What did {doctor} prescribe? | What do I take against {symptom}? | medicine for {symptom}
? mg: How strong is the {medicine}? | What dose did {doctor} prescribe? | {medicine} dose
? symptom: What does {doctor} treat? | What is the {medicine} for? | Why did I see {doctor}?

fact
= {doctor} raised my {medicine} from {mg} to {mg2}.
= From now on {mg2} of {medicine} instead of {mg}, says {doctor}.
= My dose of {medicine} changed: {mg2}, no longer {mg} ({doctor}).
? mg2: How much {medicine} do I take now? | What is my current dose of {medicine}? | {medicine} new dose
? mg: How much {medicine} did I take before? | What was the former dose of {medicine}?
? doctor: Who changed my dose of {medicine}? | Which doctor adjusted {medicine}?

fact
= Blood pressure on {date}: {pressure}, pulse {number}.
= On {date} my blood pressure was {pressure} with a pulse of {number}.
= Measured {pressure} on {date}, pulse {number}.
? pressure: What was my blood pressure on {date}? | blood pressure {date} | What did I measure on {date}?
? number: What was my pulse on {date}? | pulse {date} | How fast was my heart on {date}?
? date: When was my blood pressure {pressure}? | On which day did I measure a pulse of {number}?

fact
= {person} got the {vaccine} vaccination on {date}; the next one is due in {year2}.
= {vaccine} shot for {person}: {date}, again in {year2}.
= On {date} {person} was vaccinated against {vaccine}, to be repeated in {year2}.
: vaccine = tetanus / flu / hepatitis / tick / measles / typhoid / rabies / shingles / polio
: year2 = 2026 / 2027 / 2028 / 2029 / 2030 / 2031 / 2032 / 2033 / 2034 / 2035 / 2036
? date: When was {person} vaccinated? | On what date did {person} get the {vaccine} shot? | {person} {vaccine} date
? vaccine: What was {person} vaccinated against? | Which shot did {person} get?
? year2: When is {person}'s next shot due? | In which year must {person} repeat the {vaccine} vaccination?
? person: Who was vaccinated against {vaccine}? | Who got a shot on {date}?

fact
= Ran {km} in {minutes} with {person} on {weekday}.
= On {weekday} {person} and I ran {km}, it took {minutes}.
= {weekday}: {km} run in {minutes}, {person} came along.
? km: How far did I run on {weekday}? | What distance did {person} and I cover? | {weekday} run distance
? minutes: How long did the run with {person} take? | What was my time on {weekday}? | In what time did we run {km}?
? person: Who ran with me on {weekday}? | With whom did I run {km}?
? weekday: On which day did I run with {person}? | When did I run {km}?
: km = {few} km / {few}.{few} km

fact
= My {measure} is {value} according to {doctor}.
= {doctor} measured my {measure}: {value}.
= {measure}: {value} ({doctor}).
: measure = eyesight on the left / blood sugar / vitamin D level / cholesterol / resting pulse / body weight / lung volume / iron level / thyroid value / bone density
: value = {number} / {few}.{few} / 0.{number} / {hundred}
? value: What is my {measure}? | What did {doctor} find for my {measure}? | my {measure} | How high is my {measure}?
? doctor: Who measured my {measure}? | Which doctor told me about my {measure}?
? measure: What did {doctor} measure? | Which value did {doctor} check?

fact
= {person} the physio wants me to do {few} sets of {exercise}, {number} times each.
= Exercises from {person}: {exercise}, {few} sets of {number}.
= {person} gave me homework: {few} times {number} {exercise}.
: exercise = squats / planks / heel raises / shoulder rolls / bridges / lunges / push-ups / hip stretches / balance steps / rows
? exercise: Which exercise did {person} give me? | What should I practise for {person}? | What homework did I get from {person}?
? few: How many sets of {exercise}? | How many rounds does {person} want?
? number: How many {exercise} per set? | How often do I repeat the {exercise} in one round?
? person: Who told me to do {exercise}? | Who prescribed {exercise}?

fact
= {person} broke the {limb} while {doing} and must rest for {weeks}.
= While {doing} {person} broke the {limb}; {weeks} of rest.
= {person} is off for {weeks}: the {limb} broke while {doing}.
: limb = left wrist / right ankle / collarbone / big toe / thumb / right elbow / left shin / little finger / nose / kneecap
: doing = skiing / climbing / moving a sofa / dancing / ice skating / pruning trees / playing handball / cycling to work / washing windows / sledging
? limb: What did {person} break? | Which bone did {person} hurt? | {person} injury
? doing: How did {person} get hurt? | What was {person} doing at the time of the accident? | During which activity did {person} break the {limb}?
? weeks: How long must {person} rest? | For how long is {person} off?
? person: Who broke the {limb}? | Who got hurt while {doing}? | Who must rest for {weeks}?

fact
= My insurance number at {company} is {code}; the blood group is {blood}.
= Blood group {blood}, insured with {company}, number {code}.
= I am insured at {company} ({code}) and have blood group {blood}.
: blood = A positive / A negative / B positive / B negative / AB positive / AB negative / O positive / O negative
? code: What is my insurance number? | Which number do I have at {company}? | health insurance number
? company: Where am I insured? | Which company is my health insurance with? | name of my insurer
? blood: What is my blood group? | Which blood type do I have? | blood group

fact
= {doctor}'s practice is at {address}, phone {phone}, closed on {weekday}.
= {doctor}: {address}, {phone}, no patients on {weekday}.
= You find {doctor} at {address}; call {phone}, but not on {weekday}, when they are closed.
? address: Where is {doctor}'s practice? | What is the address of {doctor}? | {doctor} address | Where do I go to see {doctor}?
? phone: How do I call {doctor}? | What number does {doctor} have? | {doctor} phone
? weekday: On which day is {doctor} closed? | When can't I see {doctor}?
? doctor: Whose practice is at {address}? | Which doctor is closed on {weekday}?

fact
= {person} weighs {kg} and is {cm} tall now.
= {person}: {cm}, {kg}.
= At the check-up {person} was {cm} tall and weighed {kg}.
: kg = {number} kg / {few} kg
: cm = 1{number} cm / {number} cm
? kg: How much does {person} weigh? | What is {person}'s weight? | {person} weight
? cm: How tall is {person}? | What is {person}'s height? | {person} height
""",
)
