"""A real mail server (aiosmtpd) for one test: says its port, then a line of JSON for each mail.

It takes none for addresses that begin with `gone`.

Arguments: tls (none, starttls or wrapper), user and password (both empty: nobody logs in), certificate and key.
"""

import asyncio
import base64
import json
import logging
import ssl
import sys
import warnings

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

tls, user, password, certificate, key = sys.argv[1:6]

# It warns of every server here that would be a bad one elsewhere.
warnings.simplefilter("ignore")
logging.getLogger("mail").setLevel(logging.ERROR)


class Keeper:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("gone"):
            return "550 5.1.1 nobody of this name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "data": base64.b64encode(envelope.original_content).decode(),
            "tls": session.ssl is not None or tls == "wrapper",
            "login": session.auth_data,
        }
        print(json.dumps(mail), flush=True)
        return "250 kept"


def check(server, session, envelope, mechanism, data):
    wanted = isinstance(data, LoginPassword) and (data.login, data.password) == (user.encode(), password.encode())
    # aiosmtpd would say no more than "Authentication credentials invalid".
    return AuthResult(success=wanted, handled=wanted, auth_data=user if wanted else None)


def context():
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate, key)
    return made


def protocol():
    return SMTP(
        Keeper(),
        hostname="mail.test",
        require_starttls=tls == "starttls",
        tls_context=context() if tls == "starttls" else None,
        auth_required=user != "",
        auth_require_tls=tls == "starttls",
        authenticator=check,
    )


async def serve():
    secured = context() if tls == "wrapper" else None
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, ssl=secured)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(serve())
