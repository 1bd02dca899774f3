"""The addresses of this LMS."""

import advantage
import control
import grades
import manage
import pages
from django.urls import path

urlpatterns = [
    path("courses/<course_id>", pages.course),
    path("courses/<course_id>/gradebook", pages.gradebook),
    path("courses/<course_id>/choose/<client_id>", manage.choose),
    path("courses/<course_id>/add", manage.add_link),
    path("chosen/<chooser_id>", manage.chosen),
    path("launch/<link_id>", pages.launch),
    path("manage", manage.tools),
    path("manage/by-link", manage.by_link),
    path("manage/by-hand", manage.by_hand),
    path(".well-known/openid-configuration", manage.configuration),
    path("lti/register", manage.register),
    path("lti/auth", pages.authorize),
    path("lti/token", pages.token),
    path("lti/jwks", pages.jwks),
    path("ags/<course_id>/lineitems", grades.lineitems),
    path("ags/<course_id>/lineitems/<int:number>", grades.lineitem),
    path("ags/<course_id>/lineitems/<int:number>/scores", grades.scores),
    path("ags/<course_id>/lineitems/<int:number>/results", grades.results),
    path("dl/<client_id>", advantage.answer),
    path("nrps/<course_id>", advantage.members),
    path("admin/deep-linking", advantage.request),
    path("admin/chosen", advantage.chosen),
    path("admin/reset", control.reset),
    path("admin/registrations", control.register),
    path("admin/registrations/change", control.change_registration),
    path("admin/links", control.place),
    path("admin/people", control.people),
    path("admin/people/add", control.add_person),
    path("admin/enrolments", control.enrol),
    path("admin/faults", control.order_faults),
    path("admin/keys/rotate", control.rotate_keys),
    path("admin/clock", control.set_clock),
    path("admin/mint", control.mint),
    path("admin/journal", control.journal),
    path("admin/gradebook", control.gradebook),
]
