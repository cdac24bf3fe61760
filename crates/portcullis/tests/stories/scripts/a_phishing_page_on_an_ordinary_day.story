# The everyday use of the same desk: two people, two minutes, one site, and its end is known from the start.
2026-11-23 10:00  a-bank reports phishing shop.second.example: Your customer serves a page that looks like ours and asks for passwords.
                  a-visitor reports phishing shop.second.example: I gave my password to a page that was not my bank.
  queue 2
2026-11-23 10:01  nora opens cas-1 cus_second: A page like a bank's
                  nora links cas-1 shop.second.example
                  nora attaches cas-1 evd-1 captured "our capture": The page, and the form that takes the password.
2026-11-23 10:02  ben proposes-abuse imp-1 cas-1 cus_second for 7: A page behind us took passwords in a bank's name.
  serving cus_second
                  clara signs imp-1
  blocked cus_second
  serving cus_first
  public /posts/imp-1: took passwords
                  nora replies shop.second.example acted: The page is blocked.
  queue 0
# The customer removes it and writes; one person ends it.
2026-11-23 11:30  anna lifts lif-1 imp-1 remedied: The customer removed the page and closed the hole.
  serving cus_second
  public /posts/imp-1: removed the page
                  nora closes cas-1 remedied: The customer removed the page.
