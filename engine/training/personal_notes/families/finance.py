"""Money: bills, subscriptions, debts, savings, taxes."""

from engine.training.personal_notes.templates import parse_family

FAMILY = parse_family(
    "finance",
    "Money / Finances / Bills / Budget / Taxes / Insurance and bank / Subscriptions / Expenses / Savings / Payments",
    """
card {company}
+ Monthly fee / Price / Fee = {smallmoney}
= {e} takes {v} a month.
= We pay {e} {v} every month.
= The monthly fee of {e} is {v}.
? How much does {e} cost per month? | What do we pay {e}? | {e} monthly fee | What does {e} charge?
! Who takes {v} a month?
+ Customer number / Contract / Account no. / Policy = {code}
= Our customer number at {e} is {v}.
= The contract with {e} has the number {v}.
= {e} knows us as {v}.
? What is our customer number at {e}? | Which contract number do we have with {e}? | {e} customer number | What number do I give when I ring {e}?
! Which company uses our number {v}?
+ Renewal / Renews on / Ends on = {date}
= The contract with {e} renews on {v}.
= {e} runs until {v}.
= Cancel {e} before {v}.
? When does the contract with {e} renew? | Until when does {e} run? | {e} renewal date | By when must I cancel {e}?
! Which contract ends on {v}?
+ Contact / Adviser / Agent = {full}
= Our adviser at {e} is {v}.
= {v} looks after us at {e}.
? Who is our adviser at {e}? | Who looks after us at {e}? | {e} contact person | Whom do I ask for at {e}?
! Where does {v} work?
+ Hotline / Phone = {phone}
= {e} answers calls at {v}.
= The hotline of {e} is {v}.
? Which number does {e} have? | How do I call {e}? | {e} hotline
+ Login / User name = {email}
= The login for {e} is {v}.
= I log in at {e} with {v}.
? What is my user name at {e}? | How do I log in at {e}? | {e} login
+ For / What for / Covers = gas / electricity / the phone / home insurance / streaming / the gym / music lessons / pet insurance / internet / bike insurance / cloud storage / dental insurance / the newspaper / legal cover / the car share
= {e} is for {v}.
= From {e} we get {v}.
? What do we get from {e}? | What is {e} for? | Why do we pay {e}?
! Who provides {v}? | Which company do we have for {v}?

fact
= I lent {person} {money} on {date}.
= {person} owes me {money} since {date}.
= On {date} I gave {person} {money} as a loan.
= {person} borrowed {money} from me on {date}.
- {person} owes me {money} ({date})
? money: How much does {person} owe me? | What sum did I lend {person}? | {person} debt | How much should {person} give back?
? date: Since when does {person} owe me? | When did I lend {person} the money? | On which day did {person} borrow from me?
? person: Who owes me {money}? | To whom did I lend money on {date}? | Who still has {money} of mine?

fact
= I owe {person} {money} for the {what}.
= {person} paid {money} for the {what}, I still have to pay it back.
= Still to pay: {money} to {person} for the {what}.
: what = concert tickets / pizza / taxi / groceries / theatre seats / hotel room / birthday cake / petrol / ski pass / printer paper
? money: How much do I owe {person}? | What do I have to pay back for the {what}? | debt to {person}
? person: Whom do I have to pay back for the {what}? | Who paid for the {what}? | To whom do I owe {money}?
? what: What do I owe {person} money for? | What did {person} pay for?

fact
= Invoice {code} from {company} over {bigmoney} is due on {date}.
= {company} sent invoice {code}: {bigmoney}, due {date}.
= Pay {company} {bigmoney} by {date}, invoice number {code}.
- {company} {code} {bigmoney} due {date}
? bigmoney: How much is the invoice from {company}? | What amount does {company} want? | {company} invoice amount | How large is invoice {code}?
? date: By when do I pay {company}? | When is invoice {code} due? | {company} invoice due date
? code: What is the number of the invoice from {company}? | {company} invoice number | Which invoice is due on {date}?
? company: Who sent invoice {code}? | Who gets {bigmoney} from me? | Whose bill is due on {date}?

fact
= The {bill} bill for {month} was {money}.
= In {month} we paid {money} for {bill}.
= {month}: {money} for {bill}.
: bill = electricity / water / gas / phone / internet / heating / childcare / parking / laundry
? money: How much was the {bill} bill? | What did we pay for {bill} in {month}? | {bill} bill {month} | How expensive was {bill}?
? month: For which month was the {bill} bill? | In which month did we pay {money}?
? bill: What cost {money} in {month}? | For what did we pay {money}?

fact
= The {what} got more expensive: from {money} to {money2}, since {month}.
= Since {month} the {what} costs {money2} instead of {money}.
= {what}: {money} until now, {money2} from {month} on.
= The price of the {what} went from {money} up to {money2} in {month}.
: what = bus pass / nursery place / gym membership / allotment lease / parking space / storage unit / museum card / cleaning service / phone plan / veg box
? money2: What does the {what} cost now? | How much is the {what} today? | {what} new price | How much will I pay for the {what}?
? money: What did the {what} cost before? | How much was the {what} earlier? | What was the old price of the {what}?
? month: Since when does the {what} cost more? | In which month did the {what} get more expensive?

fact
= Our savings goal for the {goal} is {bigmoney}; {bigmoney2} is there already.
= We are saving {bigmoney} for the {goal} and have {bigmoney2} so far.
= For the {goal} we need {bigmoney}, of which we have {bigmoney2}.
: goal = new roof / sailing trip / kitchen / piano / electric car / honeymoon / bathroom / greenhouse / solar panels / camper
? bigmoney: How much do we need for the {goal}? | What is the savings goal for the {goal}? | {goal} target amount
? bigmoney2: How much have we saved for the {goal}? | What is already there for the {goal}? | {goal} savings so far
? goal: What are we saving {bigmoney} for?

fact
= The {form} must reach {office} by {date}, reference {code}.
= {office} expects the {form} by {date} (reference {code}).
= Send the {form} to {office} no later than {date} and quote {code}.
: form = income tax return / VAT statement / property tax form / expense report / pension form / donation receipt / parental leave request
: office = the tax office in {city} / {company} / the town hall in {city} / the pension board in {city}
? date: By when must the {form} be there? | When is the {form} due? | {form} deadline | Until which date can I send the {form}?
? office: Who gets the {form}? | Where do I send the {form}? | To whom does the {form} go?
? code: Which reference do I quote on the {form}? | {form} reference | What number goes on the {form}?

fact
= {person} does our taxes and charges {money}.
= Our tax adviser {person} takes {money} for the return.
= For the tax return we pay {person} {money}.
? person: Who does our taxes? | What is our tax adviser called? | Who is paid for the tax return?
? money: What does the tax adviser charge? | How much do we pay for having our taxes done? | tax adviser fee

fact
= I sold the {thing} to {person} for {money} on {date}.
= {person} bought my {thing} for {money} on {date}.
= On {date} the {thing} went to {person} for {money}.
? person: Who bought my {thing}? | To whom did I sell the {thing}? | Who has my former {thing}?
? money: How much did I get for the {thing}? | What did {person} pay me? | {thing} sold for
? date: When did I sell the {thing}? | On which day did {person} buy something from me?
? thing: What did {person} buy from me? | What did I sell for {money}?

fact
= Bought a {colour} {buy} at {company} for {money} on {date}, receipt in the {colour2} folder.
= On {date} I paid {company} {money} for a {colour} {buy}; the receipt is in the {colour2} folder.
: buy = armchair / desk lamp / winter coat / rug / bicycle helmet / suitcase / bookshelf / bedspread / rucksack / wardrobe
? money: How much was the {buy}? | What did I pay at {company}? | {buy} price
? company: Where did I buy the {buy}? | Which shop sold me the {buy}? | {buy} shop
? date: When did I buy the {buy}? | On which date was I at {company}?
? colour: What colour is the {buy}? | In which colour did I get the {buy}?
? colour2: In which folder is the receipt of the {buy}? | What colour is the folder with the receipt?
? buy: What did I buy at {company}?
""",
)
