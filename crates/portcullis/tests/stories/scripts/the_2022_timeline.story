# September 2022, as the provider told it: a campaign of two weeks, a policy three days before, threats that escalate over
# the last 48 hours, police that is told in two countries and slower than the danger; the block, and how it ends.
# The sentences are invented; times are UTC.

2022-08-20 09:00  the-crowd reports harassment forum.first.example x3000: This site is revolting and everybody knows what it has done to people for years. You keep it online and take money for it. Drop it now and say so in public, or answer for all that comes of it.
                  a-senator reports other www.first.example: As a senator I demand that you end your services to this site.
                  a-victim reports doxxing forum.first.example: They published where I live, and they call my employer every day.
  queue 3
  impossible cus_first: this desk has no case
2022-08-21 10:00  nora opens cas-1 cus_first: A forum, and what happens to those it writes about
                  nora links cas-1 forum.first.example
                  nora links cas-1 www.first.example
                  nora saw cas-1 2022-08-20 09:00: A public campaign asks all who serve the site to drop it.
  impossible cus_first: `imminent` is not judged
  impossible cus_first: no authority was told
2022-08-22 09:00  the-crowd reports harassment forum.first.example x4000: This site is revolting and everybody knows what it has done to people for years. You keep it online and take money for it. Drop it now and say so in public, or answer for all that comes of it.
  queue 3
                  nora tells cas-1 ref-1 aut-fbi US mail by 2022-08-26 09:00: What was posted about the people it hunts, and what it would take for you to act.
                  nora tells cas-1 ref-2 aut-police-uk GB mail by 2022-08-26 09:00: The same, for those of them who live with you.
                  nora attaches cas-1 evd-1 captured "our capture": A thread that publishes an address.
                  nora attaches cas-1 evd-2 reporter "the person it is about": The same thread, and the calls at night.
                  nora judges cas-1 identified met evd-1,evd-2: Two persons, by name and address.
                  nora judges cas-1 credible unknown: Much abuse; nobody says what will be done, and when.
                  nora judges cas-1 imminent not_met: No time and no act is named.
                  nora judges cas-1 nexus met evd-1: The threads are reachable through us.
  impossible cus_first: `credible` is unknown: Much abuse
  impossible cus_first: `imminent` is not met: No time and no act
                  nora hears public-official for "A senator" cus_first: Demands in a letter that we end our services.
                  nora hears organisation for "The campaign" cus_first: Writes to us, our customers and the papers every day.
                  nora hears organisation against "A society for free speech" cus_first: Asks us not to give way.
  public /contacts: <td>Public officials</td><td class="num">1</td><td class="num">0</td>
  public /contacts: <td>Organisations and campaigns</td><td class="num">1</td><td class="num">1</td>
  nowhere: A senator
2022-08-24 09:00  the-crowd reports harassment forum.first.example x3000: This site is revolting and everybody knows what it has done to people for years. You keep it online and take money for it. Drop it now and say so in public, or answer for all that comes of it.
2022-08-26 10:00  nora answers cas-1 ref-1 acknowledged "a case officer, called back": Received; nobody can say when.
# The policy that stands: security services do not end because content is revolting. It is a decision, on the record.
2022-08-31 15:00  anna refuses rfs-1 cas-1: Security services do not end because content is revolting; what may be illegal is for legal process.
  public /ledger/entry/1: what may be illegal is for legal process
  impossible cus_first: `imminent` is not met
  serving cus_first
# The last 48 hours.
2022-09-01 23:00  nora saw cas-1 2022-09-01 22:10: A user names a target, a place and the weekend.
                  nora attaches cas-1 evd-3 captured "our capture": The post that names the target, the place and the weekend.
                  nora tells cas-1 ref-3 aut-police-uk GB phone by 2022-09-02 23:00: The post, the name, the place; what we consider doing; whether that would harm anything.
  impossible cus_first: `imminent` is not met
2022-09-02 21:00  nora saw cas-1 2022-09-02 20:30: Others offer help, and a weapon is shown.
                  nora attaches cas-1 evd-4 archive "a notarised archive": The offers, and the picture of the weapon.
                  nora answers cas-1 ref-3 acknowledged "the control room, called back": An officer will look on Monday.
2022-09-03 20:00  nora saw cas-1 2022-09-03 19:20: The target is called at home; the hour is named: tonight.
                  nora attaches cas-1 evd-5 reporter "the target": The call, recorded.
                  anna judges cas-1 identified met evd-3,evd-5: One person, by name, address and place.
                  anna judges cas-1 credible met evd-3,evd-4,evd-5: Our capture, a notarised archive and the target's own recording agree.
  impossible cus_first: `imminent` is not met
2022-09-03 22:30  anna judges cas-1 imminent met evd-5 until 2022-09-04 23:00: Tonight, at the address.
                  anna judges cas-1 nexus met evd-3,evd-4: It is arranged on pages that are reachable through us.
                  anna judges cas-1 necessary met: What is taken down on one hostname is back on the other within minutes.
                  anna judges cas-1 process-too-slow met: The police of one country has not answered in a day, that of the other will look on Monday.
                  anna judges cas-1 adversarial met: Accounts of four years; nobody gains by planting this.
  closed cas-1: `proportionate` is not judged
                  anna judges cas-1 proportionate met: Some thousand readers lose a forum; the control room said that it harms nothing.
  open cas-1
# Ten thousand letters did nothing; the facts do. From here it takes four people and minutes.
2022-09-03 23:00  anna finds fnd-1 cas-1 cus_first
                  ben signs fnd-1
2022-09-03 23:05  ben proposes imp-1 fnd-1 cas-1 cus_first for 48: This is an emergency and an immediate threat to human life. It is not because of the campaign, and it must not be read as a precedent.
  serving cus_first
                  anna signs imp-1
  refused: would not count
  serving cus_first
2022-09-03 23:15  clara signs imp-1
  blocked cus_first
  serving cus_second
  public /posts/imp-1: must not be read as a precedent
  public /decisions/imp-1: imp-1
  nowhere: The target is called at home
  nowhere: a weapon is shown
  nowhere: forum.first.example
2022-09-05 23:04  nora replies forum.first.example acted: It is blocked; the reasons are public.
  blocked cus_first
# Nobody confirmed it: it ended by itself.
2022-09-05 23:05
  serving cus_first
