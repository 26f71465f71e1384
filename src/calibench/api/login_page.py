"""The page that asks for the token: plain HTML of its own, because nothing else is served before one is known."""

from html import escape

from starlette.responses import HTMLResponse

from calibench.api.security_headers import PAGES

STYLE = """
:root { color-scheme: light dark; --accent: light-dark(#1f5fbf, #7fb0ff); --line: light-dark(#8a8f98, #7a808a); }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; min-height: 100vh; display: grid; place-items: center;
  background: light-dark(#f6f7f9, #16181c); color: light-dark(#1c1f24, #e8eaee); }
main { width: min(24rem, calc(100vw - 2rem)); }
h1 { font-size: 1.5rem; margin: 0 0 .5rem; }
p { margin: 0 0 1rem; }
label { display: block; font-weight: 600; margin-bottom: .25rem; }
input, button { font: inherit; box-sizing: border-box; width: 100%; padding: .6rem .75rem; border-radius: .4rem; }
input { border: 1px solid var(--line); background: light-dark(#fff, #22252b); color: inherit; }
button { margin-top: 1rem; border: 0; background: var(--accent); color: light-dark(#fff, #10131a); font-weight: 600; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.wrong { color: light-dark(#b3261e, #ffb4ab); font-weight: 600; }
code { font-size: .9em; }
"""

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Calibench: sign in</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head>
<body><main><h1>Calibench</h1>
<p id="hint">Open the link that <code>calibench serve</code> printed, or enter the token that it ends with.
<code>calibench serve --print-link</code> shows it again.</p>
{wrong}<form method="post" action="/login"><label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus
 aria-describedby="hint" {invalid}><input type="hidden" name="next" value="{next}">
<button>Sign in</button></form></main></body></html>
"""

AGAIN = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Calibench</title><meta http-equiv="refresh" content="0">
</head><body><p><a href="">Open Calibench</a></p></body></html>
"""


def login_page(next_: str, wrong: str = "", status: int = 401) -> HTMLResponse:
    """The page; `next_` is where the person wanted to go, `wrong` what was wrong with the last try."""
    said = f'<p class="wrong" role="alert">{escape(wrong)}</p>\n' if wrong else ""
    text = PAGE.format(
        style=STYLE, wrong=said, next=escape(own_path(next_)), invalid='aria-invalid="true"' if wrong else ""
    )
    # same-origin: under the stricter policy of other pages a browser sends the form with "Origin: null"
    return HTMLResponse(text, status, {**_NOT_KEPT, "Referrer-Policy": "same-origin"})


def same_page_again() -> HTMLResponse:
    """Loads the same address once more: a link on another site is followed without our cookie, this with it."""
    return HTMLResponse(AGAIN, 200, _NOT_KEPT)


def own_path(wanted: str) -> str:
    """A path of this server to go on to; the start page where something else was given, such as another host."""
    is_own = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if is_own and "\\" not in wanted and not wanted.startswith("/login") else "/"


_NOT_KEPT = {"Cache-Control": "no-store", "Content-Security-Policy": PAGES}
