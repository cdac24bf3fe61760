# Somebody posts the threat that he then reports. The desk asks before it acts, and the refusal is on the record.
2026-11-23 18:00  a-rival reports threat-to-life forum.first.example: Look at thread 9, they will kill somebody tonight. Block them at once.
2026-11-23 18:05  nora opens cas-1 cus_first: A threat in thread 9
                  nora links cas-1 forum.first.example
                  nora attaches cas-1 evd-1 captured "our capture": The threat in thread 9.
                  nora attaches cas-1 evd-2 customer "the customer": The account was made at 17:55, from the address that reported at 18:00.
                  nora tells cas-1 ref-1 aut-police SE phone by 2026-11-23 22:00: The threat, and who may have written it.
                  nora answers cas-1 ref-1 cannot-in-time "the duty officer, called back": Not before tomorrow.
                  anna judges cas-1 all met evd-1,evd-2: At first sight.
  open cas-1
2026-11-23 18:20  ben judges cas-1 adversarial not_met evd-2: The account was made five minutes before the report, by whoever reported.
  closed cas-1: `adversarial` is not met
                  anna finds fnd-1 cas-1 cus_first
  refused: `adversarial` is not met
  impossible cus_first: `adversarial` is not met
                  anna refuses rfs-1 cas-1: The threat was planted by whoever reported it.
  public /ledger/entry/1: planted by whoever reported it
  public /: The threat was planted by whoever reported it.
                  nora replies forum.first.example abusive: What you reported was written by whoever reported it.
                  nora closes cas-1 decided: Planted; refused on the record.
  serving cus_first
