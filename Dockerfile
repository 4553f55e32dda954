# One image for all of the Procfile's processes; compose.yaml runs them. docs/operations.md, under
# *Containers*, says how.
FROM python:3.13-slim

RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin phonebank

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

WORKDIR /app

# The requirements have their own layer, so that a change of our code does not install them again.
COPY requirements.txt ./
RUN pip install -r requirements.txt

COPY pyproject.toml README.md LICENSE THIRD_PARTY_NOTICES.md Procfile gunicorn.conf.py wsgi.py ./
COPY docs docs
COPY migrations migrations
COPY scripts_library scripts_library
COPY callers callers
COPY phonebank phonebank
RUN pip install --no-deps --no-build-isolation --editable .

# The processes need no right to write: PostgreSQL and Redis hold all data.
USER phonebank

# The web process must be reachable from outside the container.
ENV HOST=0.0.0.0 PORT=5000
EXPOSE 5000

# This check is for `web`; compose.yaml switches it off for the others. It does not ask /readyz, because a
# process must not be replaced when only PostgreSQL or Redis fails.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:5000/healthz', timeout=4)"]

CMD ["gunicorn", "wsgi:app"]
