"""Job inspection: what happened, never what is in the picture."""

from django.contrib import admin

from colorize.admin.jobs import JobAdmin
from colorize.admin.photos import PhotoAdmin
from colorize.models import Job, Photo

admin.site.register(Job, JobAdmin)
admin.site.register(Photo, PhotoAdmin)
