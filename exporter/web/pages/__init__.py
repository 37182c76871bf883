"""What the exporter shows in a browser by itself.

template  pages out of parts
files     what is sent again and again
pages     the addresses of the pages, and of the files in ``static/`` that they are made of
"""

from exporter.web.pages.pages import Pages, is_public

__all__ = ["Pages", "is_public"]
